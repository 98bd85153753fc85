/** Value of every byte as a hexadecimal digit; -1 where it is none. */
export const HEX_VALUES: Int8Array = createTable();

function createTable(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}
