// Package e2e holds the end-to-end tests of aks-audit-log-go: the built binary runs as a
// process between an Event Hubs emulator, the storage emulator Azurite and the webhook server
// of Falco's own k8saudit plugin. It is a module of its own, so that what only these tests
// need stays out of the product's go.mod.
package e2e
