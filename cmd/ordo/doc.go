// Command ordo trains image backbones without labels so that their embeddings keep the order of transformation scale.
//
// The command is thin: flags in, calls of the packages below runner and models, text out. Every subcommand is a file of
// its own, built by a function that takes the global state, so that tests drive the real command in memory.
package main
