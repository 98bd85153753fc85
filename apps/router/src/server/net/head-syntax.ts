/** A header's name. */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A header's value: control characters have no place in it; bytes above ASCII do. */
export const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** The end of a head's last line, and the empty one. */
export const HEAD_END = "\r\n\r\n";
