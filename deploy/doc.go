// Package deploy holds nothing but tests of what is in its folder: the Helm chart, the plain manifest that is rendered
// from it, and pod specs as they are in the field. Those that render the chart want helm and have the build tag chart:
// "make chart" installs helm at its pinned version and runs them.
package deploy
