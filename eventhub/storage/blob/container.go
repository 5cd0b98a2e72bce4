package blob

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/Azure/azure-pipeline-go/pipeline"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder/connstr"
)

// container sends all requests to the blob container. The requests about blobs are in blobs.go.
type container struct {
	name string
	url  azblob.ContainerURL
	// account is the account's blob service.
	account azblob.ServiceURL
	client  *http.Client
	// tokens is nil if a key or signature is used.
	tokens *azauth.TokenSource
	// signatureEnds is when the shared access signature expires. It is zero if there is no signature, or if the
	// signature does not say.
	signatureEnds time.Time
}

// retries bounds the SDK's attempts. The storage account answers in milliseconds, so an attempt that takes longer
// than the timeout will get no answer. A hanging listing must end before this replica's ownerships expire
// (Azure/azure-sdk-for-go#22487).
var retries = azblob.RetryOptions{
	MaxTries:      3,
	TryTimeout:    5 * time.Second,
	RetryDelay:    200 * time.Millisecond,
	MaxRetryDelay: time.Second,
}

// openContainer sets up access to a container, with tokens if account has neither a key nor a signature. It does not
// connect yet.
func openContainer(account connstr.BlobConnection, name string, tokens *azauth.TokenSource) (container, error) {
	address, err := url.Parse(account.ServiceURL)
	if err != nil {
		return container{}, errors.New("the address of the blob service is not a URL")
	}
	credential, err := newCredential(account)
	if err != nil {
		return container{}, err
	}
	// If a URL has no path, the SDK builds a path without a leading slash, which no server accepts.
	address.Path = cmp.Or(address.Path, "/")
	address.RawQuery = account.SAS.Reveal()
	client := &http.Client{Transport: &http.Transport{
		Proxy:               azauth.HideProxyValue(http.ProxyFromEnvironment),
		TLSHandshakeTimeout: retries.TryTimeout,
		// The next round starts within 12 s, so the connection to the account stays open.
		IdleConnTimeout: time.Minute,
	}}
	c := container{name: name, client: client, tokens: tokens, signatureEnds: account.SignatureEnds()}
	c.account = azblob.NewServiceURL(*address, c.pipeline(credential))
	c.url = c.account.NewContainerURL(name)
	return c, nil
}

// beside returns another container of the account. Only one of the two has to be closed.
func (c container) beside(name string) container {
	c.name, c.url = name, c.account.NewContainerURL(name)
	return c
}

// newCredential returns the SDK's credential for a key. For a signature or tokens, it returns an anonymous one.
func newCredential(account connstr.BlobConnection) (azblob.Credential, error) {
	if account.SAS != "" || account.Entra {
		return azblob.NewAnonymousCredential(), nil
	}
	credential, err := azblob.NewSharedKeyCredential(account.AccountName, account.AccountKey.Reveal())
	if err != nil {
		return nil, errors.New("the AccountKey of the blob connection string is not base64")
	}
	return credential, nil
}

// pipeline returns the SDK's own pipeline, but with an HTTP client that can be closed and without messages to syslog.
func (c container) pipeline(credential azblob.Credential) pipeline.Pipeline {
	send := func(pipeline.Policy, *pipeline.PolicyOptions) pipeline.PolicyFunc {
		return func(ctx context.Context, request pipeline.Request) (pipeline.Response, error) {
			if err := c.authorize(ctx, request); err != nil {
				return nil, err
			}
			response, err := c.client.Do(request.WithContext(ctx)) //nolint:bodyclose // the SDK closes it
			if err != nil {
				return nil, pipeline.NewError(err, "send")
			}
			return pipeline.NewHTTPResponse(response), nil
		}
	}
	return azblob.NewPipeline(credential, azblob.PipelineOptions{
		Retry:      retries,
		RequestLog: azblob.RequestLogOptions{LogWarningIfTryOverThreshold: -1, SyslogDisabled: true},
		HTTPSender: pipeline.FactoryFunc(send),
	})
}

// authorize adds a token to the request, if tokens are used. The SDK's own token credential is not used: it renews by
// a timer, does not report a failed renewal, and needs a token before the first request. Here a request without a
// token fails with the reason.
func (c container) authorize(ctx context.Context, request pipeline.Request) error {
	if c.tokens == nil {
		return nil
	}
	token, err := c.tokens.GetToken(ctx, policy.TokenRequestOptions{})
	if err != nil {
		return err // the SDK does not retry it, because it is not a net.Error
	}
	request.Header.Set("Authorization", "Bearer "+token.Token)
	return nil
}

// create creates the container. It succeeds if another process has just created it.
func (c container) create(ctx context.Context) error {
	_, err := c.url.Create(ctx, azblob.Metadata{}, azblob.PublicAccessNone)
	if err == nil || serviceCode(err) == azblob.ServiceCodeContainerAlreadyExists {
		return nil
	}
	return c.explainCreation(err)
}

// serverTime sends a request without authorization. It returns the service's time, in whole seconds, and this
// machine's time in the middle of the request.
func (c container) serverTime(ctx context.Context) (theirs, ours time.Time, err error) {
	address := c.url.URL()
	address.RawQuery = "restype=container"
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address.String(), nil)
	if err != nil {
		return theirs, ours, err
	}
	sent := time.Now()
	response, err := c.client.Do(request)
	if err != nil {
		var withAddress *url.Error
		if errors.As(err, &withAddress) {
			err = withAddress.Err
		}
		return theirs, ours, err
	}
	ours = sent.Add(time.Since(sent) / 2)
	_ = response.Body.Close()
	theirs, err = http.ParseTime(response.Header.Get("Date"))
	return theirs, ours, err
}

// close ends the requests for tokens and closes the idle connections.
func (c container) close() {
	c.tokens.Close()
	c.client.CloseIdleConnections()
}
