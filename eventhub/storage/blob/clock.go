package blob

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// askTime asks without signing in, and returns the service's time, which has whole seconds, and ours, from the
// middle of the question.
func (c Container) AskTime(ctx context.Context) (theirs, ours time.Time, err error) {
	address := c.url.URL()
	address.RawQuery = "restype=container"
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address.String(), nil)
	if err != nil {
		return theirs, ours, err
	}
	asked := time.Now()
	answer, err := c.client.Do(request)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // without the address
		}
		return theirs, ours, err
	}
	ours = asked.Add(time.Since(asked) / 2)
	_ = answer.Body.Close()
	theirs, err = http.ParseTime(answer.Header.Get("Date"))
	return theirs, ours, err
}
