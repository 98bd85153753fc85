/** Writes and reads one message. */
export interface MessageCodec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** A method as ts-proto's generic definitions describe it. None of our protocols streams requests. */
export interface MethodDescription {
  readonly name: string;
  readonly requestType: MessageCodec<unknown>;
  readonly requestStream: false;
  readonly responseType: MessageCodec<unknown>;
  readonly responseStream: boolean;
}

/** A service as ts-proto's generic definitions describe it. */
export interface ServiceDescription {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDescription>>;
}

type MessageOf<TCodec> = TCodec extends { decode(input: Uint8Array): infer TMessage } ? TMessage : never;

/** The request message of a method. */
export type RequestOf<TMethod extends MethodDescription> = MessageOf<TMethod["requestType"]>;
/** The response message of a method. */
export type ResponseOf<TMethod extends MethodDescription> = MessageOf<TMethod["responseType"]>;

/** Where a method is called: `/package.Service/Method`, the `:path` of its HTTP/2 request. */
export function methodPath(service: ServiceDescription, method: MethodDescription): string {
  return `/${service.fullName}/${method.name}`;
}
