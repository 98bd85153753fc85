/** A request that is no HTTP, or more of it than is taken; answered with its status, then the connection is closed. */
export class BadRequestError extends Error {
  override readonly name = "BadRequestError";
  readonly status: number;

  constructor(status: number, what: string) {
    super(what);
    this.status = status;
  }
}

/** The headers of a request. */
export interface HeadHeaders {
  /** Name, value, name, value …, as received. */
  readonly raw: readonly string[];
  /** By lower-case name, repeated ones joined as Node does, of `set-cookie` the first; without a prototype. */
  readonly byName: Readonly<Record<string, string>>;
}

const LENGTH = "content-length";

/** What a head says beside its headers. */
export type HeadFacts = Omit<RequestHead, "rawHeaders" | "header" | "withLength">;

/** What a request's head says. Never changes: a connection's next request may be told by the same. */
export class RequestHead {
  readonly method: string;
  readonly target: string;
  /** HTTP/1.0 or HTTP/1.1. */
  readonly minorVersion: 0 | 1;
  /** Length of the body; undefined for one in chunks. */
  readonly lengthBytes: number | undefined;
  /** The connection may carry another request. */
  readonly keepsAlive: boolean;
  /** The client waits for a word before it sends the body. */
  readonly expectsContinue: boolean;
  /** The client would go on in another protocol. */
  readonly asksUpgrade: boolean;
  readonly #headers: HeadHeaders;
  /** The length is not that of the headers. */
  readonly #isLengthOther: boolean;

  /** @param lengthBytes in place of what facts and headers say, which is a length as well */
  constructor(facts: HeadFacts, headers: HeadHeaders, lengthBytes?: number) {
    this.method = facts.method;
    this.target = facts.target;
    this.minorVersion = facts.minorVersion;
    this.lengthBytes = lengthBytes ?? facts.lengthBytes;
    this.keepsAlive = facts.keepsAlive;
    this.expectsContinue = facts.expectsContinue;
    this.asksUpgrade = facts.asksUpgrade;
    this.#headers = headers;
    this.#isLengthOther = lengthBytes !== undefined;
  }

  /** Name, value, name, value …, as received. */
  get rawHeaders(): readonly string[] {
    const { raw } = this.#headers;
    if (!this.#isLengthOther) {
      return raw;
    }
    const lengthAt = raw.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === LENGTH) + 1;
    return raw.with(lengthAt, String(this.lengthBytes));
  }

  /** Value of a header by its lower-case name, repeated ones joined as Node does, of `set-cookie` the first; undefined where there is none. */
  header(name: string): string | undefined {
    return this.#isLengthOther && name === LENGTH ? String(this.lengthBytes) : this.#headers.byName[name];
  }

  /** The head that says the same of a body of another length; for one that has a `content-length`. */
  withLength(lengthBytes: number): RequestHead {
    return new RequestHead(this, this.#headers, lengthBytes);
  }
}
