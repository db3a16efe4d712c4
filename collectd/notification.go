package collectd

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"zeta/internal/jsonparts"
)

// notificationJSON is a notification as write_http sends it: an alert as Alertmanager takes it.
type notificationJSON struct {
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time
}

// IsNotification reports whether an item of write_http's JSON is a notification rather than a value list.
func IsNotification(item []byte) bool {
	found := false
	jsonparts.Members(item, func(key string, _ []byte) error {
		found = found || key == "labels"
		return nil
	})
	return found
}

// ParseJSON reads a notification of write_http. It names plugin and type in one word, which the types help to take
// apart, and the only instance without saying whose it is: it is taken for the plugin's.
func (n *Notification) ParseJSON(text []byte, types Types) error {
	if len(text) > MaxText {
		return fmt.Errorf("a notification of %d bytes, limit %d", len(text), MaxText)
	}
	var in notificationJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	name, ok := strings.CutPrefix(in.Labels["alertname"], "collectd_")
	if !ok || name == "" {
		return fmt.Errorf("alertname %.80q, want collectd_plugin_type", in.Labels["alertname"])
	}
	*n = Notification{Message: in.Annotations["summary"]}
	n.Host = in.Labels["instance"]
	var others []string
	for key := range in.Labels {
		switch key {
		case "alertname", "instance", "severity", "service", "type":
		default:
			others = append(others, key)
		}
	}
	if len(others) == 1 {
		n.Plugin, n.PluginInstance, n.TypeInstance = others[0], in.Labels[others[0]], in.Labels["type"]
	}
	if _, known := types[name]; known || n.Plugin == "" && !strings.Contains(name, "_") {
		n.Type = name
		if n.Plugin == "" {
			n.Plugin, _, _ = strings.Cut(name, "_")
		}
	} else if rest, ok := strings.CutPrefix(name, n.Plugin+"_"); n.Plugin != "" && ok {
		n.Type = rest
	} else if n.Plugin == "" {
		n.Plugin, n.Type, _ = strings.Cut(name, "_")
	} else {
		n.Type = name
	}
	switch severity := strings.ToUpper(in.Labels["severity"]); severity {
	case "OKAY":
		n.Severity = "ok"
	case "WARNING":
		n.Severity = "warning"
	case "FAILURE":
		n.Severity = "critical"
	default:
		n.Severity = "unknown"
	}
	if !in.StartsAt.IsZero() {
		n.Time = max(in.StartsAt.UnixMicro(), 0)
	}
	return nil
}
