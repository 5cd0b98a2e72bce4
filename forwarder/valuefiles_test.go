package forwarder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/variable"
)

// file writes a file like a mounted Secret, and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestEveryVariableCanBeReadFromAFile(t *testing.T) {
	for _, v := range variable.Table() {
		t.Run(v.Name, func(t *testing.T) {
			direct, err := Load(inPlace(v.Name, v.Example))
			require.NoError(t, err)
			set := append(inPlace(v.Name, ""), v.Name+"_FILE="+file(t, v.Example+"\n"))
			byFile, err := Load(set)
			require.NoError(t, err)
			assert.True(t, assert.ObjectsAreEqual(direct, byFile), "want %v, got %v", direct, byFile)
		})
	}
}

func TestTheCaseOfANameWithFileDoesNotMatter(t *testing.T) {
	cfg, err := Load(environ("WEBSINKURL=", "WebSinkURL_File="+file(t, " http://elsewhere:1/ \r\n")))
	require.NoError(t, err)
	assert.Equal(t, "http://elsewhere:1/", cfg.SinkURL.String())
}

func TestAnEmptyNameWithFileCountsAsNotSet(t *testing.T) {
	_, err := Load(environ("WEBSINKURL_FILE= ", "LOGLEVEL_FILE="))
	require.NoError(t, err)
	_, err = Load(environ("LOGLEVEL= ", "LOGLEVEL_FILE="+file(t, "warn")))
	require.NoError(t, err, "an empty LOGLEVEL is not set beside it")
}

func TestAValueFileThatCannotBeUsedIsReported(t *testing.T) {
	large := file(t, strings.Repeat("x", longestValue+1))
	for name, test := range map[string]struct{ set, want string }{
		"no such file":    {"LOGLEVEL_FILE=/nowhere/level", `LOGLEVEL cannot be read: LOGLEVEL_FILE is "/nowhere/level": no such file or directory`},
		"a folder":        {"LOGLEVEL_FILE=/", `LOGLEVEL cannot be read: LOGLEVEL_FILE is "/": is a directory`},
		"an empty file":   {"LOGLEVEL_FILE=" + file(t, " \n"), `": there is nothing in it`},
		"a large file":    {"LOGLEVEL_FILE=" + large, `": it has more than 1048576 bytes`},
		"both":            {"WEBSINKURL_FILE=" + file(t, testSink), `WEBSINKURL is set beside WEBSINKURL_FILE: keep one of them`},
		"a wrong value":   {"LOGLEVEL_FILE=" + file(t, "loud\n"), `LOGLEVEL is (from LOGLEVEL_FILE, 4 characters): it should be panic`},
		"a required file": {"WEBSINKURL_FILE=/nowhere/url", `WEBSINKURL cannot be read: WEBSINKURL_FILE is "/nowhere/url": no such file or directory`},
	} {
		t.Run(name, func(t *testing.T) {
			set := environ(test.set)
			if name == "a required file" {
				set = environ(test.set, "WEBSINKURL=")
			}
			_, err := Load(set)
			require.ErrorContains(t, err, test.want)
			assert.Equal(t, 1, strings.Count(err.Error(), "\n"), "one line: %v", err)
		})
	}
}

func TestTwoSpellingsOfANameWithFileMustAgree(t *testing.T) {
	_, err := Load(environ("LogLevel_File=/a", "LOGLEVEL_FILE=/b"))
	require.ErrorContains(t, err, "to different values: keep one of them")
	assert.Contains(t, err.Error(), "\n  LOGLEVEL is set as ")
}

// TestNoErrorAndNoStartLogHasTheContentOfAValueFile sets wrong values, because the file may be the wrong one.
func TestNoErrorAndNoStartLogHasTheContentOfAValueFile(t *testing.T) {
	const secret = "s3cr3t"
	for _, v := range variable.Table() {
		t.Run(v.Name, func(t *testing.T) {
			// The secret is in place of the path, and in the file.
			_, err := Load(append(inPlace(v.Name, ""), v.Name+"_FILE="+secret))
			require.ErrorContains(t, err, v.Name+" cannot be read: "+v.Name+"_FILE is (set, 6 characters): no such file")
			cfg, err := Load(append(inPlace(v.Name, ""), v.Name+"_FILE="+file(t, "$"+secret+"\x01")))
			if err != nil {
				assert.NotContains(t, err.Error(), secret)
			} else {
				assert.False(t, v.Secret && strings.Contains(cfg.String(), secret))
			}
		})
	}
}

func TestOnlyATextThatLooksLikeAPathIsShown(t *testing.T) {
	for path, want := range map[string]string{
		"/var/run/secrets/token": `"/var/run/secrets/token"`,
		"./ca.pem":               `"./ca.pem"`,
		"../ca.pem":              `"../ca.pem"`,
		"hunter2":                "(set, 7 characters)",
		"/c2VjcmV0/Zm9v+a==":     "(set, 18 characters)",
	} {
		assert.Equal(t, want, shownPath(path))
	}
}
