// Package e2e has the end-to-end tests of aks-audit-log-go. They run the built binary as a process between an emulated
// Event Hub, the storage emulator Azurite, and the webhook server of Falco's k8saudit plugin. Package harness starts
// these, and checks the results. e2e is a module of its own, so that the product's go.mod does not have the
// dependencies of the tests.
package e2e
