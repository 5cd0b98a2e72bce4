package azure_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jmespath/go-jmespath"
)

// world is what a fake az, kubectl and helm know. Each of their calls reads it from a file and writes it back.
type world struct {
	// LoggedOut is whether az asks for a login.
	LoggedOut bool
	// NoCluster is whether the cluster has been deleted.
	NoCluster bool
	// OldAz is whether az has --message-retention only.
	OldAz bool
	// Issuer and Workload are the cluster's OIDC issuer and whether its workload identity is on.
	Issuer   any
	Workload any
	// Things are Azure's resources, by the command that lists them and its scope.
	Things map[string][]map[string]any
	// Releases are the values of Helm's releases by name; Undeployed are those whose last run failed, and
	// Pending those of which it did not end.
	Releases            map[string]string
	Undeployed, Pending []string
	// Services are Kubernetes' Services as namespace/name.
	Services []string
	// Failures are calls that fail.
	Failures []failure
	// Calls are all that was called, one line each.
	Calls []string
}

// failure has the next Times calls that begin with Command end with Message.
type failure struct {
	Command, Message string
	Times            int
}

// errUsage is az's exit code 2: an option that it does not know.
var errUsage = errors.New("usage")

// fakeMain is what the test's binary does when it is called by the name of one of the tools.
func fakeMain(tool string, args []string) int {
	file := os.Getenv("FAKE_WORLD")
	w, err := readWorld(file)
	if err == nil {
		w.Calls = append(w.Calls, tool+" "+strings.Join(args, " "))
		err = w.call(tool, args, os.Stdout)
		err = errors.Join(err, w.write(file))
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "ERROR:", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

func readWorld(file string) (*world, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	w := &world{}
	return w, json.Unmarshal(text, w)
}

func (w *world) write(file string) error {
	text, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func (w *world) call(tool string, args []string, out io.Writer) error {
	for i := range w.Failures {
		f := &w.Failures[i]
		if f.Times > 0 && !slices.Contains(args, "--help") && strings.HasPrefix(tool+" "+strings.Join(args, " "), f.Command) {
			f.Times--
			return errors.New(f.Message)
		}
	}
	switch tool {
	case "az":
		return w.az(args, out)
	case "helm":
		return w.helm(args, out)
	default:
		return w.kubectl(args, out)
	}
}

// az takes a command apart as az does, refuses options that az does not have, and answers --query and tsv.
func (w *world) az(args []string, out io.Writer) error {
	at := slices.IndexFunc(args, func(s string) bool { return strings.HasPrefix(s, "-") })
	command := strings.Join(args[:at], " ")
	if w.LoggedOut {
		return errors.New("please run 'az login' to setup account")
	}
	if args[at] == "--help" {
		_, err := io.WriteString(out, map[bool]string{true: "--message-retention", false: "--retention-time-in-hours"}[w.OldAz])
		return err
	}
	options, err := parseOptions(command, args[at:])
	if err != nil {
		return err
	}
	result, err := w.azResult(command, options)
	if err != nil || options.get("--output") == "none" {
		return err
	}
	if query := options.get("--query"); query != "" {
		if result, err = jmespath.Search(query, result); err != nil {
			return fmt.Errorf("%w: argument --query: %w", errUsage, err)
		}
	}
	return printTSV(out, result)
}

func (w *world) azResult(command string, o options) (any, error) {
	group, verb := command[:strings.LastIndex(command, " ")], command[strings.LastIndex(command, " ")+1:]
	switch command {
	case "account show":
		return map[string]any{"id": subscription}, nil
	case "aks show":
		return w.cluster(o)
	case "aks list":
		if w.NoCluster {
			return []any{}, nil
		}
		return []any{map[string]any{"name": clusterName}}, nil
	case "aks update":
		w.Issuer, w.Workload = issuer, true
		return nil, nil
	case "aks get-credentials":
		return nil, os.WriteFile(o.get("--file"), []byte("kind: Config\n"), 0o600)
	case "role assignment delete":
		w.Things[scope(group, o)] = nil
		return nil, nil
	}
	switch verb {
	case "list":
		return w.list(group, o)
	case "show":
		return w.show(group, o)
	case "create":
		return nil, w.create(group, o)
	default:
		return nil, w.remove(group, o)
	}
}

func (w *world) cluster(o options) (any, error) {
	if o.get("--name") != clusterName {
		return nil, fmt.Errorf("(ResourceNotFound) the resource '%s' was not found", o.get("--name"))
	}
	return map[string]any{
		"location":          "westeurope",
		"oidcIssuerProfile": map[string]any{"issuerUrl": w.Issuer},
		"securityProfile":   map[string]any{"workloadIdentity": map[string]any{"enabled": w.Workload}},
	}, nil
}

// parents are the options that say what a thing is a part of, outermost first.
var parents = []string{"--resource-group", "--namespace-name", "--eventhub-name", "--storage-account", "--identity-name", "--resource", "--assignee", "--role", "--scope"}

// scope is where a list of things is kept.
func scope(group string, o options) string {
	key := group
	for _, parent := range parents {
		if value := o.get(parent); value != "" {
			key += " " + value
		}
	}
	return key
}

// parentOf says what has to be there before a thing can be a part of it.
func parentOf(group string, o options) (list, name string) {
	in := " " + o.get("--resource-group")
	switch group {
	case "eventhubs eventhub", "eventhubs namespace authorization-rule":
		return "eventhubs namespace" + in, o.get("--namespace-name")
	case "eventhubs eventhub consumer-group":
		return "eventhubs eventhub" + in + " " + o.get("--namespace-name"), o.get("--eventhub-name")
	case "storage container-rm":
		return "storage account" + in, o.get("--storage-account")
	case "identity federated-credential":
		return "identity" + in, o.get("--identity-name")
	}
	return "", ""
}

func (w *world) checkParent(group string, o options) error {
	list, name := parentOf(group, o)
	if list == "" || slices.ContainsFunc(w.Things[list], func(t map[string]any) bool { return t["name"] == name }) {
		return nil
	}
	return fmt.Errorf("(ParentResourceNotFound) '%s' was not found", name)
}

func (w *world) list(group string, o options) (any, error) {
	if err := w.checkParent(group, o); err != nil {
		return nil, err
	}
	all := []any{}
	for _, thing := range w.Things[scope(group, o)] {
		all = append(all, thing)
	}
	return all, nil
}

func (w *world) show(group string, o options) (any, error) {
	for _, thing := range w.Things[scope(group, o)] {
		if thing["name"] == o.get("--name") {
			return thing, nil
		}
	}
	return nil, fmt.Errorf("(ResourceNotFound) '%s' was not found", o.get("--name"))
}

func (w *world) create(group string, o options) error {
	if err := w.checkParent(group, o); err != nil {
		return err
	}
	if group == "role assignment" {
		o["--assignee"] = o["--assignee-object-id"]
	}
	name := o.get("--name")
	thing := map[string]any{
		"name": name, "id": scope(group, o), "tags": nil,
		"clientId": "client-of-" + name, "principalId": "principal-of-" + name,
		"serviceBusEndpoint":          "https://" + name + ".servicebus.windows.net:443/",
		"primaryEndpoints":            map[string]any{"blob": "https://" + name + ".blob.core.windows.net/"},
		"eventHubAuthorizationRuleId": o.get("--event-hub-rule"),
	}
	if tags, ok := o["--tags"]; ok {
		thing["tags"] = tagMap(tags)
	}
	w.Things[scope(group, o)] = append(w.Things[scope(group, o)], thing)
	return nil
}

func tagMap(tags []string) map[string]any {
	m := map[string]any{}
	for _, tag := range tags {
		key, value, _ := strings.Cut(tag, "=")
		m[key] = value
	}
	return m
}

func (w *world) remove(group string, o options) error {
	key := scope(group, o)
	before := len(w.Things[key])
	w.Things[key] = slices.DeleteFunc(w.Things[key], func(t map[string]any) bool { return t["name"] == o.get("--name") })
	if len(w.Things[key]) == before {
		return fmt.Errorf("(ResourceNotFound) '%s' was not found", o.get("--name"))
	}
	return nil
}

func (w *world) helm(args []string, out io.Writer) error {
	switch args[0] {
	case "list":
		name := strings.Trim(args[slices.Index(args, "--filter")+1], "^$")
		_, there := w.Releases[name]
		if slices.Contains(args, "--pending") {
			there = slices.Contains(w.Pending, name)
		}
		if there && (!slices.Contains(args, "--deployed") || !slices.Contains(w.Undeployed, name)) {
			return say(out, name)
		}
	case "get":
		return say(out, w.Releases[args[2]])
	case "upgrade":
		w.Releases[args[2]] = strings.Join(args, " ")
		w.Undeployed = nil
	case "uninstall":
		delete(w.Releases, args[1])
	}
	return nil
}

func (w *world) kubectl(args []string, out io.Writer) error {
	service := args[slices.Index(args, "--namespace")+1] + "/" + args[2]
	if slices.Contains(w.Services, service) {
		return say(out, "service/"+filepath.Base(service))
	}
	return nil
}

func say(out io.Writer, line string) error {
	_, err := io.WriteString(out, line+"\n")
	return err
}
