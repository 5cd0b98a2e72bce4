package main

// strict makes all objects of the schema refuse fields that it does not name, as the API server does with
// fieldValidation=Strict, so that a field with a slip of the pen is found. Objects that it says nothing of stay open.
func strict(root object) {
	walk(root, func(node object) {
		if node["nullable"] == true {
			node["type"] = []any{node["type"], "null"}
		}
		if node["x-kubernetes-preserve-unknown-fields"] == true {
			return
		}
		_, described := node["properties"].(object)
		if _, said := node["additionalProperties"]; described && !said && node["type"] != nil {
			node["additionalProperties"] = false
		}
	})
}

// walk calls visit for each schema in root: itself, those of its properties, and so on. Names of properties are no
// keywords.
func walk(root object, visit func(object)) {
	visit(root)
	for key, value := range root {
		switch child := value.(type) {
		case object:
			if key == "properties" || key == "definitions" {
				walkAll(child, visit)
			} else {
				walk(child, visit)
			}
		case []any:
			for _, item := range child {
				if one, ok := item.(object); ok {
					walk(one, visit)
				}
			}
		}
	}
}

func walkAll(named object, visit func(object)) {
	for _, value := range named {
		if one, ok := value.(object); ok {
			walk(one, visit)
		}
	}
}

// text returns a string, or nothing where the value is none.
func text(value any) string {
	s, _ := value.(string)
	return s
}
