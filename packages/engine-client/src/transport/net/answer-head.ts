/** What a call wants to know of one header block; one object is used again for every block of a connection. */
export class AnswerHead {
  /** HTTP status; 0 when the block has none (trailers), NaN when it is no number. */
  httpStatus = 0;
  /** Text of `grpc-status`; undefined when there is none. */
  grpcStatus: string | undefined = undefined;
  /** Text of `grpc-message`, still percent-encoded. */
  grpcMessage = "";
  contentType = "";

  reset(): void {
    this.httpStatus = 0;
    this.grpcStatus = undefined;
    this.grpcMessage = "";
    this.contentType = "";
  }

  /** Takes one header of the block. */
  readonly take = (name: string, value: string): void => {
    switch (name) {
      case ":status":
        this.httpStatus = value === "200" ? 200 : Number(value);
        break;
      case "grpc-status":
        this.grpcStatus = value;
        break;
      case "grpc-message":
        this.grpcMessage = value;
        break;
      case "content-type":
        this.contentType = value;
        break;
      default:
    }
  };
}
