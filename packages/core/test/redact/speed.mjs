// How fast redaction is, and whether hostile text stays linear. Run: node test/redact/speed.mjs [megabytes]
// Not a unit test: a busy machine must not fail a build.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import typescript from 'typescript';

const megabyte = 1_000_000;
const size = Number(process.argv[2] ?? 10) * megabyte;
/** Twice the text may take this much longer; a quadratic rule takes four times. */
const allowedRatio = 3;

async function loadRedaction() {
  const folder = mkdtempSync(join(tmpdir(), 'redact-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const name of ['redact', 'redact-rules', 'redact-context', 'redact-home']) {
    const source = readFileSync(new URL(`../../src/${name}.ts`, import.meta.url), 'utf8');
    const compilerOptions = { target: 'es2022', module: 'es2022', verbatimModuleSyntax: true };
    const { outputText } = typescript.transpileModule(source, { compilerOptions });
    writeFileSync(join(folder, `${name}.js`), outputText);
  }
  const load = (name) => import(pathToFileURL(join(folder, name)).href);
  return { ...(await load('redact.js')), ...(await load('redact-rules.js')) };
}

/** `length` characters of `unit`, flat in memory as a text read from disk is. */
function repeated(unit, length) {
  return Buffer.from(unit.repeat(Math.ceil(length / unit.length)).slice(0, length)).toString();
}

/** Processor time, so that other programs count little. */
function bestMilliseconds(run, times = 1) {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time += 1) {
    const start = process.cpuUsage();
    run();
    best = Math.min(best, process.cpuUsage(start).user / 1000);
  }
  return best;
}

const { redactText: redact, redactValue, rules } = await loadRedaction();
const redactText = (text) => redact(text, { homes: ['/home/me'] });
const normal = {
  'TypeScript source': readFileSync(new URL('../../src/redact.ts', import.meta.url), 'utf8'),
  'minified-like': 'var a=function(b,c){return b.key=c,d(e[f],"token",!0)};if(g&&h.password)i();',
  'English prose':
    'The session begins with a message, and the message names a file that the tool then reads. ',
  'base64 image': 'iVBORw0KGgoAAAANSUhEUgAAASwAAACoCAMAAABt9SM9AAAApVBMVEX/4gAAAP8zMzPMzMz',
  'JSON lines': `${JSON.stringify({ type: 'tool-result', id: 'toolu_01', content: 'ok\n'.repeat(20), key: 'value' })}\n`,
};

/** There are hundreds of them, and a rule that is not linear shows in less text. */
const keywordSize = size / 5;
const keywords = Object.fromEntries(
  rules.flatMap((rule) => rule.keywords.map((keyword) => [`keyword ${keyword}`, keyword])),
);

const hostile = {
  'one token without end': 'sk-ant-api03-'.concat('aB3_'.repeat(1000)).replaceAll('sk-ant-', 'a'),
  'eyJ with dots': 'eyJhbGciOi.',
  'eyJ after blanks': ' eyJhbGciOi',
  'PEM begins': '-----BEGIN RSA PRIVATE KEY-----\n',
  'PEM begins and lines': `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n`,
  'password=': 'password=',
  'password="': 'password="',
  'password=\\"': 'password=\\"',
  'password="\' in turns': 'password="password=\'password=`',
  'password: x': 'password: x ',
  'real assignments': 'API_KEY=a1b2c3d4e5f6 ',
  placeholders: 'API_KEY=your_key_here&',
  'key without end': 'key',
  'name without end': 'secret_',
  'dashes with words': '--token ',
  'url credentials': '://a:b',
  'url credentials and @': '://a:@@@@@@@@@@@@@@@@',
  'curl logins': 'curl -u a:bcd ',
  'logins without curl': ' -u a:bcde',
  cookies: 'Cookie: a=b',
  'cookies and pairs': 'Cookie: abcd=efgh; ',
  'name value': '"name":"API_KEY",\n "value": ',
  xml: '<password>',
  backslashes: 'token=\\\\\\\\\\\\\\"',
  'AKIA pairs': 'AKIAABCDEFGHIJKLMNOP ',
  Basic: 'Basic dXNlcjpwYXNz ',
  markers: '[redacted:password] password=',
  'lone surrogates': '\ud800token=\udc00',
  'connection strings': 'postgres://a:bcd',
  'home directories': '/home/me',
  'homes in a path': 'x/home/me',
  'homes encoded': '%2Fhome%2Fme',
  'backslashes and home': '\\\\\\\\home',
};

let failures = 0;
for (const [name, unit] of Object.entries(normal)) {
  const text = repeated(unit, size);
  const rate = size / 1000 / bestMilliseconds(() => redactText(text), 3);
  console.log(`normal   ${name.padEnd(28)} ${rate.toFixed(0).padStart(6)} MB/s`);
}

function measure(name, unit, length) {
  const [shortText, longText] = [repeated(unit, length / 2), repeated(unit, length)];
  let half = bestMilliseconds(() => redactText(shortText));
  let whole = bestMilliseconds(() => redactText(longText));
  const isSlow = () => whole / half >= allowedRatio && whole >= 50;
  // A busy machine may spoil one measurement, not three.
  for (let retry = 0; retry < 3 && isSlow(); retry += 1) {
    half = bestMilliseconds(() => redactText(shortText), 2);
    whole = Math.min(
      whole,
      bestMilliseconds(() => redactText(longText), 2),
    );
  }
  if (isSlow()) failures += 1;
  return { name, rate: length / 1000 / whole, ratio: whole / half, isLinear: !isSlow() };
}

function print(results, count) {
  for (const { name, rate, ratio, isLinear } of results.sort((a, b) => a.rate - b.rate).slice(0, count)) {
    console.log(
      `hostile  ${name.padEnd(28)} ${rate.toFixed(1).padStart(8)} MB/s  2n/n ${ratio.toFixed(2)}${isLinear ? '' : '  NOT LINEAR'}`,
    );
  }
}

print(
  Object.entries(hostile).map(([name, unit]) => measure(name, unit, size)),
  15,
);
print(
  Object.entries(keywords).map(([name, unit]) => measure(name, unit, keywordSize)),
  5,
);
const strings = Array.from({ length: 100_000 }, (_, index) => `const value${index} = list[${index}];`);
const bytes = strings.join('').length;
const many = bestMilliseconds(() => redactValue(strings), 3);
console.log(`normal   100,000 short strings ${many.toFixed(0)} ms, ${(bytes / 1000 / many).toFixed(0)} MB/s`);
process.exitCode = failures === 0 ? 0 : 1;
