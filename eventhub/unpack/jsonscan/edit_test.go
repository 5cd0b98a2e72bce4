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

func TestAMemberOfAMemberIsSetAndWhatIsNoObjectGivesWay(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:                    `{"a":1,"b":{"c":2}}`,
		`{"b":{},"a":1}`:             `{"b":{"c":2},"a":1}`,
		`{"b":{"c":[1,2],"d":3}}`:    `{"b":{"c":2,"d":3}}`,
		`{"b":null}`:                 `{"b":{"c":2}}`,
		`{"b":[],"b":{"c":1,"d":1}}`: `{"b":{"c":2},"b":{"c":1,"d":1}}`,
	} {
		object, err := ScanObject([]byte(text))
		require.NoError(t, err)
		object.SetIn("b", "c", "2")
		assert.Equal(t, want, string(object.Text()))
		assert.Equal(t, "2", string(object.ObjectOf("b").ValueOf("c")))
	}
}

func TestOnlyAStringHasAString(t *testing.T) {
	object, err := ScanObject([]byte(`{"a":"\u0041\n","b":1,"c":null,"d":["x"],"e":"\x","a":"later"}`))
	require.NoError(t, err)
	assert.Equal(t, "A\n", object.StringOf("a"))
	for _, key := range []string{"b", "c", "d", "e", "f"} {
		assert.Empty(t, object.StringOf(key), key)
	}
}
