package jsonscan

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEditedObjectHasThePlacesOfItsNewText(t *testing.T) {
	object, err := ScanObject([]byte(` { "a" : 1 , "b":{"a":2},"c":"x" } `))
	require.NoError(t, err)
	object.Set("b", `{"a":2,"long":[3,4,5]}`)
	object.Set("d", `null`)
	object.Set("a", `17`)
	object.Set("c", `"y"`)
	object.Set("d", `true`)
	assert.Equal(t, ` { "a" : 17 , "b":{"a":2,"long":[3,4,5]},"c":"y" ,"d":true} `, string(object.Text()))

	scanned, err := ScanObject(object.Text())
	require.NoError(t, err)
	assert.Equal(t, scanned.members, object.members)
	assert.Equal(t, scanned.wholeEnd, object.wholeEnd)
	assert.Equal(t, "true", string(object.ValueOf("d")))
	assert.Nil(t, object.ValueOf("e"))
}

func TestAClosedObjectHasThePlacesOfItsNewText(t *testing.T) {
	for _, text := range []string{`{`, `{"a":1,"b":[2,{"c":"`, `{"a":[1],`, `{"a":{"b":{}},"c`} {
		cut, err := ScanObject([]byte(text))
		require.ErrorIs(t, err, ErrCut, text)
		closed := cut.Closed()
		scanned, err := ScanObject(closed.Text())
		require.NoError(t, err, text)
		assert.Equal(t, scanned.members, closed.members, text)
		assert.Equal(t, scanned.wholeEnd, closed.wholeEnd, text)
	}
}
