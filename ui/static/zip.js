// A zip archive of files that are not compressed: PNG is already. After PKWARE's APPNOTE 6.3.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
	return crc;
});
const DOS_DATE = 0x21; // 1 January 1980, the first that zip knows

function crc32(bytes) {
	let crc = 0xffffffff;
	for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 255];
	return (crc ^ 0xffffffff) >>> 0;
}

// Numbers in little-endian order, each with its size in bytes.
function pack(...numbers) {
	const bytes = [];
	for (const [value, size] of numbers) for (let i = 0; i < size; i++) bytes.push((value >>> (8 * i)) & 255);
	return Uint8Array.from(bytes);
}

// files: [{ name, bytes }]. Returns a Blob.
function makeZip(files) {
	const [parts, directory] = [[], []];
	let offset = 0;
	for (const { name, bytes } of files) {
		const path = new TextEncoder().encode(name);
		// Version 2.0, names in UTF-8, stored, time, date, checksum, size twice, length of the name, no extra field.
		const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [DOS_DATE, 2], [crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [path.length, 2], [0, 2]];
		const head = pack([0x04034b50, 4], ...common);
		parts.push(head, path, bytes);
		directory.push(pack([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), path);
		offset += head.length + path.length + bytes.length;
	}
	const size = directory.reduce((sum, { length }) => sum + length, 0);
	const end = pack([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2]);
	return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
