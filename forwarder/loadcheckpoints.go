package forwarder

import "strings"

func (l *loader) checkpoints() {
	l.out.CheckpointInterval = l.in.CheckpointInterval
	if l.in.CheckpointInterval <= 0 {
		l.wrong(varCheckpointGap)
	}
	if l.isSet(varCheckpointDir) {
		l.checkpointDir()
		return
	}
	l.blob()
}

func (l *loader) checkpointDir() {
	l.out.CheckpointDir = l.in.CheckpointDir
	var both []string
	for _, name := range []string{varBlobConnection, varBlobURL, varContainer} {
		if l.isSet(name) {
			both = append(both, name)
		}
	}
	if len(both) > 0 {
		l.say(varCheckpointDir, "is set beside %s: choose one, the folder or the blob container", strings.Join(both, " and "))
	}
}

func (l *loader) blob() {
	const orDir = " (or set " + varCheckpointDir + " to keep checkpoints in a local folder)"
	switch {
	case l.isSet(varBlobURL):
		l.blobURL()
	case l.isSet(varBlobConnection):
		connection, err := parseBlobConnection(l.in.BlobConnection)
		if err != nil {
			l.wrongBecause(varBlobConnection, err)
		}
		l.out.Blob = &connection
	default:
		l.missing(varBlobConnection, " (or set "+varBlobURL+" to sign in with Microsoft Entra ID, or "+varCheckpointDir+
			" to keep checkpoints in a local folder)")
	}
	if !l.isSet(varContainer) {
		l.missing(varContainer, orDir)
	} else if !validContainer(l.in.Container) {
		l.wrong(varContainer)
	}
	l.out.BlobContainerName = l.in.Container
}
