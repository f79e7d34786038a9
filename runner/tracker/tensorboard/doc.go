// Package tensorboard writes and reads event files, which TensorBoard shows.
//
// An event file is a row of records (TFRecord). All numbers are little-endian:
//
//	uint64   length of the data in bytes
//	uint32   masked CRC-32C of the length's 8 bytes
//	data     an Event
//	uint32   masked CRC-32C of the data
//
// CRC-32C is that of Castagnoli; masked, it is turned right by 15 bits, and 0xa282ead8 is added. An Event is a message
// of Protocol Buffers, of which these fields are written:
//
//	Event    1 wall_time double, seconds since 1970; 2 step int64; 3 file_version string; 5 summary Summary
//	Summary  1 value, repeated Value
//	Value    1 tag string; 2 simple_value float
//
// The first event of a file holds its version alone, brain.Event:2. A process that is killed leaves at most a record
// that isn't whole at the file's end; [Open] cuts it off.
package tensorboard
