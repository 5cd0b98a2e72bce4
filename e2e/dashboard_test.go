//go:build look

package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// chartFiles is the folder of the dashboard and the alerts in the chart.
const chartFiles = "../deploy/helm/aks-audit-log-go/files/"

// dashboard is the part of Grafana's format that the tests read.
type dashboard struct {
	UID           string  `json:"uid"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name       string         `json:"name"`
			Type       string         `json:"type"`
			Definition string         `json:"definition"`
			Datasource *datasourceRef `json:"datasource"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int            `json:"id"`
	Type        string         `json:"type"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Datasource  *datasourceRef `json:"datasource"`
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		Expr         string         `json:"expr"`
		LegendFormat string         `json:"legendFormat"`
		Datasource   *datasourceRef `json:"datasource"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

type datasourceRef struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile(chartFiles + "dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

// forPrometheus replaces Grafana's variables by values.
func forPrometheus(t *testing.T, expr string) string {
	t.Helper()
	expr = strings.NewReplacer("$__rate_interval", harness.QueryWindow.String(), "$__range", harness.QueryWindow.String(),
		"$namespace", ".*", "$job", ".*").Replace(expr)
	require.NotContains(t, expr, "$", "a variable that the dashboard does not have")
	return expr
}

// Each query is sent to a Prometheus that scrapes a real daemon. The test therefore fails if a metric or a label does
// not exist, or if PromQL is invalid.
func TestEachPanelOfTheDashboardShowsSomethingOfARealDaemon(t *testing.T) {
	t.Parallel()
	p := harness.StartMonitored(t)
	label := regexp.MustCompile(`{{\s*(\w+)\s*}}`)
	queries := 0
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			queries++
			found := p.AwaitResult(t, forPrometheus(t, target.Expr))
			for _, used := range label.FindAllStringSubmatch(target.LegendFormat, -1) {
				assert.Contains(t, found[0], used[1], "%s: the legend's label", panel.Title)
			}
		}
	}
	assert.Greater(t, queries, 30)
	for _, variable := range readDashboard(t).Templating.List {
		if used := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(variable.Definition); used != nil {
			found := p.AwaitResult(t, forPrometheus(t, used[1]))
			assert.Contains(t, found[0], used[2], "variable %s", variable.Name)
		}
	}
}

func TestTheDashboardsPanelsAreWhole(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	assert.Equal(t, "aks-audit-log-go", d.UID)
	assert.Equal(t, 38, d.SchemaVersion, "that of Grafana 10; newer ones bring it up to date")
	ids, titles, taken := map[int]bool{}, map[string]bool{}, map[[2]int]string{}
	for _, panel := range d.Panels {
		assert.False(t, ids[panel.ID], "the id %d is there twice", panel.ID)
		assert.False(t, titles[panel.Title], "the title %q is there twice", panel.Title)
		ids[panel.ID], titles[panel.Title] = true, true
		grid := panel.GridPos
		assert.LessOrEqual(t, grid.X+grid.W, 24, "%s: Grafana's grid has 24 columns", panel.Title)
		for x := grid.X; x < grid.X+grid.W; x++ {
			for y := grid.Y; y < grid.Y+grid.H; y++ {
				assert.Empty(t, taken[[2]int{x, y}], "%s lies over another panel", panel.Title)
				taken[[2]int{x, y}] = panel.Title
			}
		}
		if panel.Type == "row" {
			continue
		}
		assert.NotEmpty(t, panel.Description, panel.Title)
		assert.NotEmpty(t, panel.FieldConfig.Defaults.Unit, panel.Title)
		assert.NotEmpty(t, panel.Targets, panel.Title)
		assertFromVariable(t, panel.Datasource, panel.Title)
		for _, target := range panel.Targets {
			assertFromVariable(t, target.Datasource, panel.Title)
		}
	}
	for _, variable := range d.Templating.List {
		if variable.Type == "query" {
			assertFromVariable(t, variable.Datasource, variable.Name)
		}
	}
}

// assertFromVariable asserts that the user chooses the data source, because its name differs between installations.
func assertFromVariable(t *testing.T, source *datasourceRef, where string) {
	t.Helper()
	assert.Equal(t, &datasourceRef{Type: "prometheus", UID: "${datasource}"}, source, where)
}
