package hubclient

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

// bodyOf returns the payload of a message. It joins data sections, returns a text or binary value unchanged, and
// encodes any other value as JSON, so that the unpacker can judge and store it. A message without a body has an empty
// payload.
func bodyOf(body azeventhubs.AMQPAnnotatedMessageBody) []byte {
	switch value := body.Value.(type) {
	case string:
		return []byte(value)
	case []byte:
		return value
	case nil:
	default:
		return asJSON(value)
	}
	switch {
	case len(body.Sequence) > 0:
		return asJSON(body.Sequence)
	case len(body.Data) == 1:
		return body.Data[0]
	default:
		return bytes.Join(body.Data, nil)
	}
}

// asJSON encodes an AMQP value as JSON. It writes a value that JSON cannot hold, such as NaN, as text.
func asJSON(value any) []byte {
	text, err := json.Marshal(jsonValue(value))
	if err != nil {
		return fmt.Append(nil, value)
	}
	return text
}

// jsonValue converts the keys of maps, at any depth, to the strings that JSON needs.
func jsonValue(value any) any {
	switch value := value.(type) {
	case map[any]any:
		object := make(map[string]any, len(value))
		for key, member := range value {
			object[fmt.Sprint(key)] = jsonValue(member)
		}
		return object
	case map[string]any:
		object := make(map[string]any, len(value))
		for key, member := range value {
			object[key] = jsonValue(member)
		}
		return object
	case [][]any:
		array := make([]any, len(value))
		for i, element := range value {
			array[i] = jsonValue(element)
		}
		return array
	case []any:
		array := make([]any, len(value))
		for i, element := range value {
			array[i] = jsonValue(element)
		}
		return array
	default:
		return value
	}
}
