// Package checkpoint reads and writes the state of a training.
//
// [Parameters] are ONNX Runtime's checkpoint, a flatbuffer: what a training starts from. A file that a trainer saves is
// that, then what is kept beside it, by name, then a SHA-256 of all before and a mark, with little-endian numbers:
//
//	ONNX Runtime's checkpoint
//	what is kept, one after the other                                            } where there is something
//	the table: for each the length of its name (uint32), its name,               }
//	           the length of its data (uint64)                                   }
//	the table's length (uint32)                                                  }
//	SHA-256
//	"ordo checkpoint, more\n", or "ordo checkpoint\n" where nothing is kept
//
// ONNX Runtime ignores what follows its own data, so such a file still loads elsewhere. [ReadFile] takes it apart and
// [Seal] makes it of a file that ONNX Runtime has written.
package checkpoint
