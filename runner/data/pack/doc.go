// Package pack keeps an image set as the trainer wants it: decoded once, reduced to a stated short side, and then
// either in memory or in one memory-mapped file that every later run uses.
//
// # Words
//
// A [Job] says what is packed, how and where. Its record of an item is the item's pixels, as 8-bit RGB (raw) or as a
// JPEG file (jpeg). A packed file is [File], its counterpart in memory [Memory]; both are data sets. Both hold the same
// pixels, and so have the same fingerprint, if the format is raw.
//
// # Which file is it
//
// A packed file is named for its content: the set's key (names, sizes and modification times of the source's files,
// labels, the reader's options) and the options that decide about pixels are hashed into its name and stored in its
// header. A set that changed is another file; what is out of use may be deleted at any time. A process that has a file
// open holds a shared lock on it, and sets the time of its last access: [List] tells of both, [Prune] chooses by them.
//
// # Whole or not at all
//
// A file is written under the name FILE.partial, which its writer holds a lock on (flock), then brought to disk and
// renamed. A second process that wants the same file waits for the lock and then uses what the first one made. A writer
// that fails deletes its partial file; one that was killed leaves it without a lock, and the next one that packs
// anything into this folder deletes it. Where the headers of some images tell that the file won't fit its file system,
// nothing is begun.
//
// Packing a million images takes an hour. Every 20 s, what is packed is brought to the disk, and after it
// FILE.partial.journal, with what is known of these records. With it, the next writer goes on behind them, and makes
// the same bytes. A partial file with a journal stays for a week, also when its writer was interrupted.
//
// # Damage
//
// Checksums (CRC-32C) are over the header, over the table, and over each record. Header and table are checked when the
// file is opened, and a file that fails is packed anew. A record is checked when it is first asked for. If it fails,
// the image comes from its source again and must have the record's checksum; the file is deleted, so that the next run
// packs it anew, and a note says so. No image is ever given whose pixels are not the ones that were packed.
//
// # Memory
//
// The file may be larger than memory: its pages are the kernel's, which drops them when something else wants memory.
// The mapping counts in the process's resident memory all the same, so a File of more than 128 MiB gives its pages back
// to the kernel's cache whenever about so much is mapped; to map a record again costs some microseconds. A damaged
// disk, or a file that is cut off while it is mapped, is noticed only where a record is asked for the first
// time; later it ends the process.
//
// # Layout
//
// Numbers are little-endian. Records follow the header without gaps, in the set's order; table, names and classes
// follow the records.
//
//	header    4096 bytes, zero after the checksum
//	   0  [8]byte   "ordopack"
//	   8  uint32    version: 1
//	  12  uint32    format: 0 raw, 1 JPEG
//	  16  [32]byte  key: SHA-256 of the set's key and the options
//	  48  [8]byte   fingerprint
//	  56  uint64    number of records
//	  64  uint64    number of images that were left out as unreadable
//	  72  uint32    short side, 0: not reduced
//	  76  uint32    JPEG quality, 0 if raw
//	  80  uint64    offset of the table
//	  88  uint64    offset of the names
//	  96  uint64    offset of the classes
//	 104  uint64    size of the file
//	 112  uint32    CRC-32C of everything from the table on
//	 116  uint32    CRC-32C of the 116 bytes before
//	table     40 bytes a record
//	   0  uint64    offset of the record
//	   8  uint32    its length
//	  12  uint32    width in pixels
//	  16  uint32    height
//	  20  int32     label, -1: none
//	  24  uint32    which item of the set it is
//	  28  uint32    CRC-32C of the record
//	  32  uint64    end of its id, from the first name's beginning
//	names     the ids, without separators
//	classes   each ended by a zero byte
package pack
