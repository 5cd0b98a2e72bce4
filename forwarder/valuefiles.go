package forwarder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"aks-audit-log-go/forwarder/variable"
)

// fileSuffix makes the name of a variable that of another one, which names a file that holds the
// value: so a mounted Secret is read.
const fileSuffix = "_FILE"

// longestValue bounds what is read of such a file, in bytes. Connection strings and tokens have a
// few thousand at the most; a file that is larger is another one than was meant.
const longestValue = 1 << 20

var (
	errEmptyFile = errors.New("there is nothing in it")
	errLargeFile = fmt.Errorf("it has more than %d bytes", longestValue)
)

// readFiles puts what the files hold that NAME_FILE names into values, as NAME, and takes
// NAME_FILE out. White space around it is trimmed, as that around any value.
func readFiles(values map[string]string, problems *problems) {
	for _, v := range variable.Table() {
		path, ok := values[v.Name+fileSuffix]
		if !ok {
			continue
		}
		delete(values, v.Name+fileSuffix)
		if _, both := values[v.Name]; both {
			problems.say(v.Name, "is set beside %s: keep one of them", v.Name+fileSuffix)
			continue
		}
		value, err := readValue(path)
		if err != nil {
			problems.say(v.Name, "cannot be read: %s is %s: %v", v.Name+fileSuffix, shownPath(path), err)
			continue
		}
		values[v.Name] = value
		problems.fromFile(v.Name)
	}
}

// readValue returns what a file holds. The error has neither its path nor its content.
func readValue(path string) (string, error) {
	file, err := os.Open(path) // #nosec G304 -- the operator names it
	if err != nil {
		return "", withoutPath(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, longestValue+1))
	if err != nil {
		return "", withoutPath(err)
	}
	if len(content) > longestValue {
		return "", errLargeFile
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return "", errEmptyFile
	}
	return value, nil
}

// withoutPath takes the path off an error, which says it in words of its own.
func withoutPath(err error) error {
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// shownPath returns the path of a file in quotes; of what is no path, though it stands where one
// should, only the length. Secrets do get set where the file is meant that holds them.
func shownPath(path string) string {
	if looksLikePath(path) {
		return fmt.Sprintf("%q", path)
	}
	return fmt.Sprintf("(set, %d characters)", len([]rune(path)))
}

// looksLikePath reports whether a text can be shown as the path that it is meant to be. The keys of
// Azure are base64, which may begin with a slash too, but ends in "=".
func looksLikePath(text string) bool {
	for _, start := range []string{"/", "./", "../"} {
		if strings.HasPrefix(text, start) {
			return !strings.ContainsAny(text, "@?=")
		}
	}
	return false
}
