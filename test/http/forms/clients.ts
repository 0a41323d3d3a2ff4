/** A form as a client writes it: with `boundary` for the boundary, `\n` for line ends and `BYTES` for the file. */
export interface Client {
  readonly client: string;
  readonly boundary: string;
  readonly contentType?: string;
  readonly body: string;
}

const plainPart = `Content-Disposition: form-data; name="file"; filename="a b.jpg"\nContent-Type: image/jpeg\n\nBYTES`;
const plainField = `Content-Disposition: form-data; name="sha256"\n\nabc`;
const plainForm = `--boundary\n${plainField}\n--boundary\n${plainPart}\n--boundary--\n`;

/** They must all be read the quick way. */
export const clients: readonly Client[] = [
  { client: 'Chrome and Safari', boundary: '----WebKitFormBoundary7MA4YWxkTrZu0gW', body: plainForm },
  { client: 'Firefox', boundary: '----geckoformboundary6c9ac4a3a4b7ccb8a9d5a4c0b1', body: plainForm },
  {
    client: 'older Firefox',
    boundary: '---------------------------9051914041544843365972754266',
    body: plainForm,
  },
  { client: 'curl', boundary: '------------------------d74496d66958873e', body: plainForm },
  {
    client: 'axios, form-data',
    boundary: '--------------------------515890814546601021194782',
    body: plainForm,
  },
  { client: 'Alamofire', boundary: 'alamofire.boundary.0f1e2d3c4b5a6978', body: plainForm },
  {
    client: 'URLSession by hand',
    boundary: 'Boundary-E621E1F8-C36C-495A-93FC-0C247A3E6E5F',
    body: plainForm,
  },
  {
    client: 'Python requests',
    boundary: '9b2d4f6a8c0e1f3a5b7d9f1e3c5a7b9d',
    body: plainForm.replace('\nContent-Type: image/jpeg', ''),
  },
  { client: 'Go', boundary: '1b9a0d7e6c5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f', body: plainForm },
  { client: 'no line end behind', boundary: 'X', body: plainForm.slice(0, -1) },
  {
    client: 'OkHttp',
    boundary: '2c1b0f3e-8a1d-4f7a-9a52-0f3ad7c5e9aa',
    body: `--boundary
Content-Disposition: form-data; name="sha256"
Content-Length: 3

abc
--boundary
Content-Disposition: form-data; name="file"; filename="a b.jpg"
Content-Type: image/jpeg
Content-Length: 5

BYTES
--boundary--
`,
  },
  {
    client: 'Retrofit',
    boundary: 'c6c1d6c4-6a44-4f6e-8a61-3f8f0d6d5b0e',
    body: `--boundary
Content-Disposition: form-data; name="sha256"
Content-Transfer-Encoding: binary
Content-Type: text/plain; charset=UTF-8
Content-Length: 3

abc
--boundary
Content-Disposition: form-data; name="file"; filename="a b.jpg"
Content-Transfer-Encoding: binary
Content-Type: image/jpeg
Content-Length: 5

BYTES
--boundary--
`,
  },
  {
    client: 'Dart http',
    boundary: 'dart-http-boundary-Ab+c_DeFgHiJkLmNoPqRsTuVwXyZ0123456789-.abcdefghij',
    body: `--boundary
content-disposition: form-data; name="sha256"

abc
--boundary
content-type: image/jpeg
content-disposition: form-data; name="file"; filename="a b.jpg"

BYTES
--boundary--
`,
  },
  {
    client: 'dio',
    boundary: '--dio-boundary-3788947155',
    body: `----dio-boundary-3788947155
content-disposition: form-data; name="sha256"

abc
----dio-boundary-3788947155
content-disposition: form-data; name="file"; filename="a b.jpg"
content-type: image/jpeg

BYTES
----dio-boundary-3788947155--
`,
  },
  {
    client: 'Guzzle',
    boundary: '0123456789abcdef0123456789abcdef01234567',
    body: `--boundary
Content-Disposition: form-data; name="sha256"
Content-Length: 3

abc
--boundary
Content-Disposition: form-data; name="file"; filename="a b.jpg"
Content-Length: 5
Content-Type: image/jpeg

BYTES
--boundary--
`,
  },
  {
    client: 'a boundary that needs quotes',
    boundary: 'a:b/c d',
    contentType: 'multipart/form-data; boundary="a:b/c d"',
    body: plainForm,
  },
];

/** They are read by the general parser. */
export const otherClients: readonly Client[] = [
  {
    client: '.NET',
    boundary: 'b1',
    contentType: 'multipart/form-data; boundary="b1"',
    body: `--boundary
Content-Type: text/plain; charset=utf-8
Content-Disposition: form-data; name=sha256

abc
--boundary
Content-Type: image/jpeg
Content-Disposition: form-data; name=file; filename="a b.jpg"; filename*=utf-8''a%20b.jpg

BYTES
--boundary--
`,
  },
  {
    client: 'React Native',
    boundary: 'b2',
    body: `--boundary
content-disposition: form-data; name="sha256"

abc
--boundary
content-disposition: form-data; name="file"; filename="a b.jpg"; filename*=utf-8''a%20b.jpg
content-type: image/jpeg

BYTES
--boundary--
`,
  },
  {
    client: 'Apache HttpClient',
    boundary: 'b3',
    contentType: 'multipart/form-data; charset=ISO-8859-1; boundary=b3',
    body: `--boundary
Content-Disposition: form-data; name="sha256"
Content-Type: text/plain; charset=ISO-8859-1
Content-Transfer-Encoding: 8bit

abc
--boundary
Content-Disposition: form-data; name="file"; filename="a b.jpg"
Content-Type: image/jpeg
Content-Transfer-Encoding: binary

BYTES
--boundary--
`,
  },
];

export function written(
  { boundary, contentType, body }: Client,
  file: Uint8Array,
): { contentType: string; body: Buffer<ArrayBuffer> } {
  const text = body.replaceAll('--boundary', `--${boundary}`).replaceAll('\n', '\r\n');
  const [before, after] = text.split('BYTES');
  return {
    contentType: contentType ?? `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(before!), file, Buffer.from(after!)]),
  };
}
