/** A token of HTTP (RFC 9110 §5.6.2), such as a method or a header's name. */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A header's name as HTTP/2 wants it (RFC 9113 §8.2.1). */
export const LOWER_CASE_TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** A header's value (RFC 9110 §5.5): control characters have no place in it, bytes above ASCII do. */
export const FIELD_VALUE: RegExp = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
