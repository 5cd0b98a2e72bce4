package eventhub

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEditedObjectIsScannedAsItThenStands(t *testing.T) {
	s, err := scanObject([]byte(` { "a" : 1 , "b":{"a":2},"c":"x" } `))
	require.NoError(t, err)
	s.set("b", `{"a":2,"long":[3,4,5]}`)
	s.set("d", `null`)
	s.set("a", `17`)
	s.set("c", `"y"`)
	s.set("d", `true`)
	assert.Equal(t, ` { "a" : 17 , "b":{"a":2,"long":[3,4,5]},"c":"y" ,"d":true} `, string(s.text))

	again, err := scanObject(s.text)
	require.NoError(t, err)
	assert.Equal(t, again.members, s.members)
	assert.Equal(t, again.kept, s.kept)
	assert.Equal(t, "true", string(s.valueOf("d")))
	assert.Nil(t, s.valueOf("e"))
}

func TestAnObjectThatIsClosedIsScannedAsItThenStands(t *testing.T) {
	for _, text := range []string{`{`, `{"a":1,"b":[2,{"c":"`, `{"a":[1],`, `{"a":{"b":{}},"c`} {
		cut, err := scanObject([]byte(text))
		require.ErrorIs(t, err, errCut, text)
		closed := cut.closed()
		again, err := scanObject(closed.text)
		require.NoError(t, err, text)
		assert.Equal(t, again.members, closed.members, text)
		assert.Equal(t, again.kept, closed.kept, text)
	}
}
