package azure_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// terraformFolder is the module beside install.sh.
const terraformFolder = "../terraform"

// terraform is the module, evaluated as Terraform does, but without the provider, which no test has: computed makes up
// what Azure would answer (ids, addresses).
type terraform struct {
	t         *testing.T
	variables map[string]*hclsyntax.Block
	// expressions are what is not evaluated yet, by their addresses ("local.x", "output.x"), and resources are too
	// ("azurerm_eventhub.this").
	expressions map[string]hclsyntax.Expression
	resources   map[string]*hclsyntax.Body
	// known are the values of what was evaluated, by the same addresses.
	known map[string]cty.Value
}

// terraformFiles are the module's sources by name.
func terraformFiles(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(terraformFolder + "/*.tf")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	all := map[string][]byte{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		all[path] = source
	}
	return all
}

// parseTerraform reads the module.
func parseTerraform(t *testing.T) *terraform {
	t.Helper()
	module := &terraform{
		t: t, variables: map[string]*hclsyntax.Block{}, expressions: map[string]hclsyntax.Expression{},
		resources: map[string]*hclsyntax.Body{}, known: map[string]cty.Value{},
	}
	for path, source := range terraformFiles(t) {
		file, diagnostics := hclparse.NewParser().ParseHCL(source, path)
		require.False(t, diagnostics.HasErrors(), "%s", diagnostics)
		body, ok := file.Body.(*hclsyntax.Body)
		require.True(t, ok)
		for _, block := range body.Blocks {
			switch block.Type {
			case "variable":
				module.variables[block.Labels[0]] = block
			case "locals":
				for name, attribute := range block.Body.Attributes {
					module.expressions["local."+name] = attribute.Expr
				}
			case "resource":
				module.resources[strings.Join(block.Labels, ".")] = block.Body
			case "output":
				module.expressions["output."+block.Labels[0]] = block.Body.Attributes["value"].Expr
			default:
				require.Equal(t, "terraform", block.Type, path)
			}
		}
	}
	return module
}

// evaluate sets the variables and returns what each rule about them that is broken says.
func (m *terraform) evaluate(given map[string]cty.Value) (refusals []string) {
	m.t.Helper()
	for name := range given {
		require.Contains(m.t, m.variables, name, "the module has no such variable")
	}
	for name, block := range m.variables {
		value, isGiven := given[name]
		if fallback, has := block.Body.Attributes["default"]; has && !isGiven {
			value = m.value(fallback.Expr)
			isGiven = true
		}
		require.True(m.t, isGiven, "%s has no default", name)
		m.known["var."+name] = value
	}
	for _, block := range m.variables {
		for _, rule := range block.Body.Blocks {
			if m.value(rule.Body.Attributes["condition"].Expr).False() {
				refusals = append(refusals, m.value(rule.Body.Attributes["error_message"].Expr).AsString())
			}
		}
	}
	if len(refusals) > 0 {
		return refusals
	}
	for len(m.expressions)+len(m.resources) > 0 {
		before := len(m.known)
		for address, expression := range m.expressions {
			if m.ready(expression.Variables()) {
				m.known[address] = m.value(expression)
				delete(m.expressions, address)
			}
		}
		for address, body := range m.resources {
			if m.ready(references(body)) {
				m.known[address] = m.computed(address, m.body(body))
				delete(m.resources, address)
			}
		}
		require.Greater(m.t, len(m.known), before, "these refer to each other, or to nothing: %v and %v",
			slices.Collect(maps.Keys(m.expressions)), slices.Collect(maps.Keys(m.resources)))
	}
	return nil
}

// ready tells whether all that is referred to is known.
func (m *terraform) ready(references []hcl.Traversal) bool {
	for _, reference := range references {
		if _, known := m.known[address(reference)]; !known {
			return false
		}
	}
	return true
}

// references are what a resource refers to.
func references(body *hclsyntax.Body) (all []hcl.Traversal) {
	for _, attribute := range body.Attributes {
		all = append(all, attribute.Expr.Variables()...)
	}
	for _, block := range body.Blocks {
		all = append(all, references(block.Body)...)
	}
	return all
}

// address is the first two words of a reference, such as "var.tags" and "azurerm_eventhub.this".
func address(traversal hcl.Traversal) string {
	attribute, _ := traversal[1].(hcl.TraverseAttr)
	return traversal.RootName() + "." + attribute.Name
}

// value evaluates an expression.
func (m *terraform) value(expression hcl.Expression) cty.Value {
	m.t.Helper()
	roots := map[string]map[string]cty.Value{}
	for path, value := range m.known {
		root, name, _ := strings.Cut(path, ".")
		if roots[root] == nil {
			roots[root] = map[string]cty.Value{}
		}
		roots[root][name] = value
	}
	scope := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: terraformFunctions}
	for root, values := range roots {
		scope.Variables[root] = cty.ObjectVal(values)
	}
	value, diagnostics := expression.Value(scope)
	require.False(m.t, diagnostics.HasErrors(), "%s", diagnostics)
	return value
}

// body evaluates the attributes of a resource; a block in it becomes an attribute too.
func (m *terraform) body(body *hclsyntax.Body) map[string]cty.Value {
	attributes := map[string]cty.Value{}
	for name, attribute := range body.Attributes {
		attributes[name] = m.value(attribute.Expr)
	}
	for _, block := range body.Blocks {
		require.NotContains(m.t, attributes, block.Type)
		attributes[block.Type] = cty.ObjectVal(m.body(block.Body))
	}
	return attributes
}

// computed adds what Azure answers. The ids are as install.sh spells them.
func (m *terraform) computed(address string, attributes map[string]cty.Value) cty.Value {
	text := func(name string) string { return attributes[name].AsString() }
	in := func(kind string) string {
		return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/", subscription, text("resource_group_name"), kind)
	}
	answers := map[string]string{}
	switch kind, _, _ := strings.Cut(address, "."); kind {
	case "azurerm_eventhub_namespace":
		answers["id"] = in("Microsoft.EventHub") + "namespaces/" + text("name")
	case "azurerm_eventhub":
		answers["id"] = text("namespace_id") + "/eventhubs/" + text("name")
	case "azurerm_eventhub_namespace_authorization_rule":
		answers["id"] = in("Microsoft.EventHub") + "namespaces/" + text("namespace_name") + "/authorizationRules/" + text("name")
	case "azurerm_storage_account":
		answers["id"] = in("Microsoft.Storage") + "storageAccounts/" + text("name")
		answers["primary_blob_endpoint"] = "https://" + text("name") + ".blob.core.windows.net/"
	case "azurerm_storage_container":
		answers["id"] = text("storage_account_id") + "/blobServices/default/containers/" + text("name")
	case "azurerm_user_assigned_identity":
		answers["id"] = in("Microsoft.ManagedIdentity") + "userAssignedIdentities/" + text("name")
		answers["client_id"] = "<the identity's client id>"
		answers["principal_id"] = "<the identity's principal id>"
	}
	all := maps.Clone(attributes)
	for name, answer := range answers {
		require.NotContains(m.t, attributes, name)
		all[name] = cty.StringVal(answer)
	}
	return cty.ObjectVal(all)
}

// terraformFunctions are those of Terraform's functions that the module uses.
var terraformFunctions = map[string]function.Function{
	"can": tryfunc.CanFunc, "coalesce": stdlib.CoalesceFunc, "contains": stdlib.ContainsFunc, "lower": stdlib.LowerFunc, "merge": stdlib.MergeFunc,
	"regex": stdlib.RegexFunc, "substr": stdlib.SubstrFunc, "trimsuffix": stdlib.TrimSuffixFunc,
	"replace": textFunction(3, func(args []string) string {
		if pattern, isPattern := strings.CutPrefix(args[1], "/"); isPattern {
			return regexp.MustCompile(strings.TrimSuffix(pattern, "/")).ReplaceAllString(args[0], args[2])
		}
		return strings.ReplaceAll(args[0], args[1], args[2])
	}),
	"sha256": textFunction(1, func(args []string) string {
		sum := sha256.Sum256([]byte(args[0]))
		return hex.EncodeToString(sum[:])
	}),
}

// textFunction makes a function of so many texts.
func textFunction(count int, call func([]string) string) function.Function {
	parameters := slices.Repeat([]function.Parameter{{Name: "text", Type: cty.String}}, count)
	return function.New(&function.Spec{
		Params: parameters,
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			var texts []string
			for _, arg := range args {
				texts = append(texts, arg.AsString())
			}
			return cty.StringVal(call(texts)), nil
		},
	})
}
