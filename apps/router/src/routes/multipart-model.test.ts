import { describe, expect, it } from "vitest";
import { multipartModel } from "./multipart-model.ts";

const TYPE = "multipart/form-data; boundary=xyz";

function form(...parts: readonly (readonly [string, string])[]): Uint8Array {
  const text = parts.map(
    ([head, value]) => `--xyz\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`,
  );
  return Buffer.from(`${text.join("")}--xyz--\r\n`);
}

describe("multipartModel()", () => {
  it("finds the field, before or behind a file", () => {
    const file = ['name="file"; filename="a.wav"\r\nContent-Type: audio/wav', "RIFF\r\n\r\n\u0000"] as const;
    expect(multipartModel(TYPE, form(['name="model"', "whisper"], file))).toBe("whisper");
    expect(multipartModel(TYPE, form(file, ['name="model"', "wh\u00efsper"]))).toBe("wh\u00efsper");
    expect(multipartModel('Multipart/Form-Data; charset=x; boundary="xyz"', form(["name=model", "w"]))).toBe(
      "w",
    );
  });

  it("takes nothing for it that is something else, or not all there", () => {
    expect(multipartModel(TYPE, form(['name="models"', "a"], ['name="model"; filename="m"', "b"]))).toBe("");
    expect(multipartModel(TYPE, form(['name="model"', "whisper"]).subarray(0, 60))).toBe("");
    expect(multipartModel(TYPE, form(['name="model"', "x".repeat(600)]))).toBe("");
    expect(multipartModel("application/json", form(['name="model"', "whisper"]))).toBe("");
    expect(multipartModel(undefined, new Uint8Array())).toBe("");
    expect(multipartModel(TYPE, Buffer.from("--xyz--xyz--xyz"))).toBe("");
  });
});
