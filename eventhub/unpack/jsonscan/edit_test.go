package jsonscan

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEditedObjectIsScannedAsItThenStands(t *testing.T) {
	s, err := ScanObject([]byte(` { "a" : 1 , "b":{"a":2},"c":"x" } `))
	require.NoError(t, err)
	s.Set("b", `{"a":2,"long":[3,4,5]}`)
	s.Set("d", `null`)
	s.Set("a", `17`)
	s.Set("c", `"y"`)
	s.Set("d", `true`)
	assert.Equal(t, ` { "a" : 17 , "b":{"a":2,"long":[3,4,5]},"c":"y" ,"d":true} `, string(s.Text))

	again, err := ScanObject(s.Text)
	require.NoError(t, err)
	assert.Equal(t, again.Members, s.Members)
	assert.Equal(t, again.kept, s.kept)
	assert.Equal(t, "true", string(s.ValueOf("d")))
	assert.Nil(t, s.ValueOf("e"))
}

func TestAnObjectThatIsClosedIsScannedAsItThenStands(t *testing.T) {
	for _, text := range []string{`{`, `{"a":1,"b":[2,{"c":"`, `{"a":[1],`, `{"a":{"b":{}},"c`} {
		cut, err := ScanObject([]byte(text))
		require.ErrorIs(t, err, ErrCut, text)
		closed := cut.Closed()
		again, err := ScanObject(closed.Text)
		require.NoError(t, err, text)
		assert.Equal(t, again.Members, closed.Members, text)
		assert.Equal(t, again.kept, closed.kept, text)
	}
}
