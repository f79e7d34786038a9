// Package watch shows runs while they are at work, in a browser on the same machine: the pages of package page without
// pictures, made anew when something in a run folder changes.
//
// The server listens on the loopback interface only, reads and never writes, and answers only requests that name it by
// its own address: a page of another site that has its name point here (DNS rebinding) gets nothing. Of files it shows
// those that runs are made of, and the page that a run ended with.
//
//	/                      the runs below the folder, or the one run
//	/run/?folder=FOLDER    a run of the list, by its path below the folder
//	/whole/?folder=FOLDER  the page that it ended with
package watch
