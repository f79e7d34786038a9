// Command ordo trains image backbones without labels so that their embeddings keep the order of transformation scale.
//
// The command is thin: flags in, calls of the packages below runner and models, text out. A subcommand is a file with
// a type of options, which declares its flags (AddFlags), refuses what makes no sense (check) and does the work
// (run), and a constructor that gives it names and texts. All that a command takes from its process is in the type
// global, so tests drive the real command in memory.
//
// An error's kind (package fault) gives the exit status, see exit.go; what there is to do about it is put into flags
// and commands in hints.go.
package main
