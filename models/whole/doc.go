// Package whole writes files and folders that appear whole or not at all, and tidies up after writers that were killed.
//
// What is written has a name of its own until it is whole: .NAME and a number of many digits for a file (renameio's
// names), .NAME.ordo- and a number for a folder, in the folder of NAME. Its writer holds a lock on it (flock), which
// ends with the process. So whoever writes NAME next knows what was left by a writer that is gone, and removes that,
// and nothing else.
package whole
