package forwarder

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"aks-audit-log-go/forwarder/variable"
	"aks-audit-log-go/internal/smallfile"
)

// fileSuffix makes the name of a variable into NAME_FILE, which names a file with the value, such as a mounted Secret.
const fileSuffix = "_FILE"

// longestValue is the largest size of such a file in bytes. Connection strings and tokens have at most a few thousand
// bytes, so a larger file is not the intended one.
const longestValue = 1 << 20

var errEmptyFile = errors.New("there is nothing in it")

// readFiles replaces each NAME_FILE in values by NAME with the content of the file. White space around it is trimmed.
func readFiles(values map[string]string, problems *problems) {
	for _, v := range variable.Table() {
		path, ok := values[v.Name+fileSuffix]
		if !ok {
			continue
		}
		delete(values, v.Name+fileSuffix)
		if _, both := values[v.Name]; both {
			problems.add(v.Name, "is set beside %s: keep one of them", v.Name+fileSuffix)
			continue
		}
		value, err := readValue(path)
		if err != nil {
			problems.add(v.Name, "cannot be read: %s is %s: %v", v.Name+fileSuffix, shownPath(path), err)
			continue
		}
		values[v.Name] = value
		problems.fromFile[v.Name] = true
	}
}

// readValue returns the content of a file. The error contains neither the path nor the content.
func readValue(path string) (string, error) {
	content, err := smallfile.Read(path, longestValue)
	if err != nil {
		return "", withoutPath(err)
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return "", errEmptyFile
	}
	return value, nil
}

// withoutPath returns the error without its path, because readFiles adds the path itself.
func withoutPath(err error) error {
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// shownPath returns a path in quotes, or only the length of a text that does not look like a path. Operators do set
// the secret itself instead of the path of its file.
func shownPath(path string) string {
	if looksLikePath(path) {
		return fmt.Sprintf("%q", path)
	}
	return fmt.Sprintf("(set, %d characters)", len([]rune(path)))
}

// looksLikePath reports whether a text can be shown as a path. Azure's keys are base64: they can begin with a slash
// too, but end in "=".
func looksLikePath(text string) bool {
	for _, start := range []string{"/", "./", "../"} {
		if strings.HasPrefix(text, start) {
			return !strings.ContainsAny(text, "@?=")
		}
	}
	return false
}
