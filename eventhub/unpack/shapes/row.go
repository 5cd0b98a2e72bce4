package shapes

import (
	"encoding/json"
	"strings"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// Log Analytics keeps audit events in tables with a column for each member
// (https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit), and a data export writes the rows to a
// hub. A row is not an audit event, but it holds all members of one.

// RebuiltFrom is the annotation of an audit event that was made from a row. Its value is the table's name.
const RebuiltFrom = "aks-audit-log-go/rebuilt-from"

// columns are the columns of the tables and the members that they hold, in the API server's order.
var columns = []struct{ column, member string }{
	{"Level", "level"},
	{"AuditId", "auditID"},
	{"Stage", "stage"},
	{"RequestUri", "requestURI"},
	{"Verb", "verb"},
	{"User", "user"},
	{"ImpersonatedUser", "impersonatedUser"},
	{"SourceIps", "sourceIPs"},
	{"UserAgent", "userAgent"},
	{"ObjectRef", "objectRef"},
	{"ResponseStatus", "responseStatus"},
	{"RequestObject", "requestObject"},
	{"ResponseObject", "responseObject"},
	{"RequestReceivedTime", "requestReceivedTimestamp"},
	{"StageReceivedTime", "stageTimestamp"},
}

// categoryOf returns the log category that a table holds, or "" for a table without audit events.
func categoryOf(table string) string {
	switch strings.ToLower(table) {
	case "aksaudit":
		return "kube-audit"
	case "aksauditadmin":
		return "kube-audit-admin"
	}
	return ""
}

func (s *sight) isAuditRow() bool { return categoryOf(s.table) != "" }

// Rebuild makes an audit event from a row, and marks it with RebuiltFrom. It also returns the log category of the
// row's table, and the cluster's resource id, which is "" if the row has none.
func Rebuild(row []byte) (event []byte, category, resourceID string) {
	cells := map[string][]byte{}
	for key, value := range members(row) {
		if _, known := cells[key]; !known {
			cells[key] = value
		}
	}
	table := unquote(cells["Type"])
	var text strings.Builder
	text.WriteString(`{"kind":"Event","apiVersion":"audit.k8s.io/v1"`)
	for _, c := range columns {
		if value := cell(cells[c.column]); value != nil {
			text.WriteString(`,"` + c.member + `":`)
			text.Write(value)
		}
	}
	if cell(cells["StageReceivedTime"]) == nil {
		if when := cell(cells["TimeGenerated"]); when != nil {
			text.WriteString(`,"stageTimestamp":`)
			text.Write(when)
		}
	}
	annotations, err := jsonscan.ScanObject(cell(cells["Annotations"]))
	if err != nil {
		annotations, _ = jsonscan.ScanObject([]byte("{}"))
	}
	annotations.Set(RebuiltFrom, `"`+table+`"`)
	text.WriteString(`,"annotations":`)
	text.Write(annotations.Text())
	text.WriteString("}")
	return []byte(text.String()), categoryOf(table), unquote(cells["_ResourceId"])
}

// cell returns the value of a column, or nil if the row has none. A column may hold an object or array as a string.
func cell(value []byte) []byte {
	if len(value) == 0 || string(value) == "null" || string(value) == `""` {
		return nil
	}
	if value[0] == '"' && mayHoldJSON(value) {
		// Only one whole value may replace the string: anything else could add members.
		if content := []byte(unquote(value)); len(content) > 0 && content[0] != '"' && json.Valid(content) {
			return content
		}
	}
	return value
}
