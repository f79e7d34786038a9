package fault

// Hint is something to do that only the caller's way of calling ordo has a name for, such as a flag of its command
// line. The types of this file are all there are.
type Hint interface{ hint() }

// OtherFolder is to write somewhere else.
type OtherFolder struct{}

// InstallLibrary is to install ONNX Runtime and what belongs to it.
type InstallLibrary struct {
	GPU    bool   // the one with CUDA
	OneDNN bool   // it is oneDNN that is missing or unfit
	From   string // a file to install from, where it can't be fetched: what it must be; "": fetch it
}

// BuildArtifacts is to build training artifacts from a forward graph, anew where there are some.
type BuildArtifacts struct {
	Heads []string // further heads to build in, in the notation of model.heads
}

// Replay is to take a run's step again, whose numbers were not finite, and find where that began.
type Replay struct{ Folder string }

// Finish is to go on with a run that is not finished.
type Finish struct{ Folder string }

// Option is to give an option of what is done, by the name of its key.
type Option struct{ Name string }

// Start is to start what has not been started.
type Start struct{}

// OtherCommand is to give the file to the command that it is for.
type OtherCommand struct {
	Sweep bool // it is a sweep file; false: an experiment file
	File  string
}

func (Start) hint()          {}
func (OtherCommand) hint()   {}
func (OtherFolder) hint()    {}
func (InstallLibrary) hint() {}
func (BuildArtifacts) hint() {}
func (Finish) hint()         {}
func (Replay) hint()         {}
func (Option) hint()         {}
