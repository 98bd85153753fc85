/** Reasons for which a stream or a connection ends (RFC 9113 §7), as far as one of them means something here. */
export const HTTP2_CODE = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  ENHANCE_YOUR_CALM: 11,
} as const;
