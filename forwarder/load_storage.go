package forwarder

import (
	"errors"
	"net/url"
	"strings"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

func (l *loader) checkpoints() {
	l.out.CheckpointInterval = l.in.CheckpointInterval
	if l.in.CheckpointInterval <= 0 {
		l.problems.wrong(variable.CheckpointInterval)
	}
	if l.isSet(variable.CheckpointDir) {
		l.checkpointDir()
		return
	}
	l.blob()
}

// checkpointDir takes the folder. The variables of the blob storage must then not be set.
func (l *loader) checkpointDir() {
	l.out.CheckpointDir = l.in.CheckpointDir
	var both []string
	for _, name := range []string{variable.BlobConnection, variable.BlobURL, variable.Container} {
		if l.isSet(name) {
			both = append(both, name)
		}
	}
	if len(both) > 0 {
		l.problems.add(variable.CheckpointDir, "is set beside %s: choose one, the folder or the blob container", strings.Join(both, " and "))
	}
}

// blob checks the address of the blob container and the way to sign in there.
func (l *loader) blob() {
	const orDir = " (or set " + variable.CheckpointDir + " to keep checkpoints in a local folder)"
	switch {
	case l.isSet(variable.BlobURL):
		l.blobURL()
	case l.isSet(variable.BlobConnection):
		connection, err := connstr.ParseBlobConnection(l.in.BlobConnection)
		if err != nil {
			l.problems.wrongBecause(variable.BlobConnection, err)
		}
		l.signatureInClear(connection)
		l.out.Blob = &connection
	default:
		l.problems.missing(variable.BlobConnection, " (or set "+variable.BlobURL+" to sign in with Microsoft Entra ID, or "+variable.CheckpointDir+
			" to keep checkpoints in a local folder)")
	}
	if !l.isSet(variable.Container) {
		l.problems.missing(variable.Container, orDir)
	} else if !connstr.ValidContainer(l.in.Container) {
		l.problems.wrong(variable.Container)
	}
	l.out.BlobContainerName = l.in.Container
}

// signatureInClear warns if a shared access signature is sent unencrypted: it is part of each request. An account key
// is not sent.
func (l *loader) signatureInClear(connection connstr.BlobConnection) {
	u, err := url.Parse(connection.ServiceURL)
	if err == nil && u.Scheme == "http" && connection.SAS != "" && !isLoopback(u.Hostname()) {
		l.warn("the shared access signature in " + variable.BlobConnection + " is sent without encryption, so anyone on the way can use it: " +
			"give its BlobEndpoint https://")
	}
}

// blobURL takes the address from BLOBSTORAGEURL. The daemon then signs in without a key.
func (l *loader) blobURL() {
	if l.isSet(variable.BlobConnection) {
		l.eitherOr(variable.BlobURL, variable.BlobConnection)
		return
	}
	u, err := url.Parse(l.in.BlobURL)
	switch {
	// A token must not be sent unencrypted, so the URL must be https.
	case err != nil || !connstr.IsHTTPURL(u) || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.problems.wrong(variable.BlobURL)
	case strings.Contains(u.Hostname(), ".blob.") && strings.Trim(u.Path, "/") != "":
		l.problems.wrongBecause(variable.BlobURL, errors.New("its path belongs in "+variable.Container))
	default:
		l.out.Blob = &connstr.BlobConnection{ServiceURL: strings.TrimRight(u.String(), "/"), Entra: true}
	}
}
