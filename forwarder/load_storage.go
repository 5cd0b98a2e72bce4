package forwarder

import (
	"strings"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

func (l *loader) checkpoints() {
	l.out.CheckpointInterval = l.in.CheckpointInterval
	if l.in.CheckpointInterval <= 0 {
		l.wrong(variable.CheckpointGap)
	}
	if l.isSet(variable.CheckpointDir) {
		l.checkpointDir()
		return
	}
	l.blob()
}

func (l *loader) checkpointDir() {
	l.out.CheckpointDir = l.in.CheckpointDir
	var both []string
	for _, name := range []string{variable.BlobConnection, variable.BlobURL, variable.Container} {
		if l.isSet(name) {
			both = append(both, name)
		}
	}
	if len(both) > 0 {
		l.say(variable.CheckpointDir, "is set beside %s: choose one, the folder or the blob container", strings.Join(both, " and "))
	}
}

func (l *loader) blob() {
	const orDir = " (or set " + variable.CheckpointDir + " to keep checkpoints in a local folder)"
	switch {
	case l.isSet(variable.BlobURL):
		l.blobURL()
	case l.isSet(variable.BlobConnection):
		connection, err := connstr.ParseBlobConnection(l.in.BlobConnection)
		if err != nil {
			l.wrongBecause(variable.BlobConnection, err)
		}
		l.out.Blob = &connection
	default:
		l.missing(variable.BlobConnection, " (or set "+variable.BlobURL+" to sign in with Microsoft Entra ID, or "+variable.CheckpointDir+
			" to keep checkpoints in a local folder)")
	}
	if !l.isSet(variable.Container) {
		l.missing(variable.Container, orDir)
	} else if !connstr.ValidContainer(l.in.Container) {
		l.wrong(variable.Container)
	}
	l.out.BlobContainerName = l.in.Container
}
