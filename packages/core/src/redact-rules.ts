/** Where the part of the text stands that a pattern took for the secret. */
export interface Matched {
  start: number;
  end: number;
}

/** One format of secret. Adding a format is adding a row. */
export interface Rule {
  /** What stands in `[redacted:<kind>]`. */
  kind: string;
  /**
   * Literal beginnings of `pattern`, case-sensitive, three characters or more. The pattern is only
   * tried where one of them stands, so a text without any keyword costs a single scan.
   */
  keywords: readonly string[];
  /**
   * Sticky. Written `X{20}X*` where others write `X{20,}`: V8 keeps a frame for every round of the
   * latter and throws on a run of some million characters. A class that may be followed by something
   * else has an upper bound or a lookbehind that keeps it from starting twice in one run.
   */
  pattern: RegExp;
  /** The group that is secret, when it is not the whole match. The pattern then has the flag `d`. */
  group?: number;
  /** The group, in a lookbehind, of secret characters that stand before the keyword. */
  before?: number;
  /** Where the secret stands when a pattern cannot say; undefined when it is none after all. */
  extent?: (text: string, matched: Matched) => Matched | undefined;
}

const hexDigits = [...'0123456789abcdef'];

/** Base64 of a decimal number begins with few pairs: Discord tokens begin with the encoded user id. */
const encodedNumberStarts = ['MT', 'Mj', 'Mz', 'ND', 'NT', 'Nj', 'Nz', 'OD', 'OT'].flatMap((pair) =>
  [...'AEIMQUYcgk'].map((third) => pair + third),
);

const pemLine =
  /(?:\\{1,4}[nrt]|[\s"'`+,>|:→\d-]){0,24}(?:[A-Za-z0-9+/]{24}[A-Za-z0-9+/]*={0,2}|=[A-Za-z0-9+/]{4}\b)/y;
const pemLastLine = /(?:\\{1,4}[nrt]|[\s"'`+,>|:→\d-]){1,24}[A-Za-z0-9+/]{4,64}={1,2}/y;
const pemHeader = /(?:\\{1,4}[nrt]|\s){1,8}(?:Proc-Type|DEK-Info|Version|Comment): ?[^\n\\]{0,80}/y;
const pemEnd = /-{5,6}END [A-Z0-9 ]{0,40}(?:-{5})?/y;
const maximumPemBody = 20_000;
const maximumPemLines = 200;

/** End of the last of the lines that look like the body of a key, or `from` when there is none. */
function endOfKeyLines(text: string, from: number): number {
  let end = from;
  for (;;) {
    const next = [pemHeader, pemLine].map((line) => matchEnd(line, text, end)).find((found) => found > end);
    if (next === undefined) break;
    end = next;
  }
  return end === from ? from : Math.max(end, matchEnd(pemLastLine, text, end));
}

function matchEnd(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/** A block may be cut off at its end: then as many lines as look like a key belong to it. */
function pemBlock(text: string, { start, end: from }: Matched): Matched | undefined {
  const dashes = text.slice(from, from + maximumPemBody).indexOf('-----');
  const end = dashes === -1 ? -1 : matchEnd(pemEnd, text, from + dashes);
  if (end !== -1 && /[A-Za-z0-9+/]{24}/.test(text.slice(from, from + dashes))) return { start, end };
  const cut = endOfKeyLines(text, from);
  return cut === from ? undefined : { start, end: cut };
}

const lineBefore = /[A-Za-z0-9+/]{16,76}={0,2}(?:\\{1,4}[nrt]|[\s"'`+,>|:→\d-]){0,24}$/;
const lastLineBefore = /[A-Za-z0-9+/]{2,76}={0,2}(?:\\{1,4}[nrt]|[\s"'`+,>|:→\d-]){0,24}$/;

/** The end of a block whose beginning was cut off: the lines of the key stand before it. */
function pemTail(text: string, { start: from, end }: Matched): Matched | undefined {
  let start = from;
  for (let line = 0; line < maximumPemLines; line += 1) {
    const pattern = line === 0 ? lastLineBefore : lineBefore;
    const found = pattern.exec(text.slice(Math.max(0, start - 120), start));
    if (found === null) break;
    start -= found[0].length;
  }
  return from - start < 24 ? undefined : { start, end };
}

/** Base64 after "Basic" is a login when it decodes to `user:password`; "Basic understanding" does not. */
function basicLogin(text: string, { start, end }: Matched): Matched | undefined {
  const decoded = Buffer.from(text.slice(start, Math.min(end, start + 400)), 'base64').toString('latin1');
  return /^[\x20-\x7e]*:[\x20-\x7e]+$/.test(decoded) ? { start, end } : undefined;
}

/** A short flag means a login or a password only to some commands: `-u` is a user and a group to others. */
function argumentOf(commands: RegExp): Rule['extent'] {
  return (text, matched) => {
    const before = text.slice(Math.max(0, matched.start - 400), matched.start);
    if (!commands.test(before)) return undefined;
    const command = before.replaceAll('\\\n', ' ');
    return commands.test(command.slice(command.lastIndexOf('\n') + 1)) ? matched : undefined;
  };
}

const headerEnd = /[\n\r"'`\\]/g;

/** All cookies of a header, not only the first. */
function wholeHeader(text: string, { start, end: from }: Matched): Matched {
  headerEnd.lastIndex = from;
  return { start, end: headerEnd.exec(text)?.index ?? text.length };
}

/**
 * `(?<!\w)` in a row says: not inside a longer word. The last letter of an escape, of a colour code
 * or of percent-encoding is not such a word: `\nghp_`, `[32mghp_`, `%3Dghp_`.
 */
function atWordEdge(rule: Rule): Rule {
  const detached = String.raw`(?<!\\|\[[\d;]{0,12}|%[\dA-Fa-f])`;
  const source = rule.pattern.source.replace(
    /\(\?<!(\[[^\]]*\]|\\[dw])\)/g,
    (_, letters) => `(?<!${detached}${letters})`,
  );
  return { ...rule, pattern: new RegExp(source, rule.pattern.flags) };
}

/** Earlier rows name the kind when two rows match the same characters. */
const table: readonly Rule[] = [
  // Models
  { kind: 'anthropic-key', keywords: ['sk-ant-'], pattern: /sk-ant-[\w-]{20}[\w-]*/y },
  { kind: 'openrouter-key', keywords: ['sk-or-'], pattern: /sk-or-[\w-]{20}[\w-]*/y },
  {
    kind: 'openai-key',
    keywords: ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'],
    pattern: /sk-(?:proj|svcacct|admin|None)-[\w-]{20}[\w-]*/y,
  },
  // Also the form of DeepSeek, Moonshot, LiteLLM and others. A digit tells it from `task-`, `sk-some-words`.
  {
    kind: 'openai-key',
    keywords: ['sk-'],
    pattern: /(?<![A-Za-z0-9_-])sk-(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{20}[\w-]*/y,
  },
  { kind: 'langfuse-key', keywords: ['sk-lf-'], pattern: /sk-lf-[0-9a-f-]{36}/y },
  { kind: 'google-key', keywords: ['AIza'], pattern: /(?<!\w)AIza[\w-]{35}(?![\w-])/y },
  { kind: 'google-key', keywords: ['AQ.Ab'], pattern: /(?<![\w.])AQ\.Ab[\w-]{30}[\w-]*/y },
  { kind: 'google-oauth-token', keywords: ['ya29.'], pattern: /(?<!\w)ya29\.[\w-]{20}[\w.-]*/y },
  { kind: 'google-refresh-token', keywords: ['1//0'], pattern: /(?<!\w)1\/\/0[\w-]{30}[\w-]*/y },
  { kind: 'google-client-secret', keywords: ['GOCSPX-'], pattern: /GOCSPX-[\w-]{20}[\w-]*/y },
  { kind: 'huggingface-token', keywords: ['hf_'], pattern: /(?<!\w)hf_[A-Za-z0-9]{30}[A-Za-z0-9]*/y },
  {
    kind: 'huggingface-token',
    keywords: ['api_org_'],
    pattern: /(?<!\w)api_org_[A-Za-z0-9]{30}[A-Za-z0-9]*/y,
  },
  { kind: 'groq-key', keywords: ['gsk_'], pattern: /(?<!\w)gsk_[A-Za-z0-9]{40}[A-Za-z0-9]*/y },
  { kind: 'xai-key', keywords: ['xai-'], pattern: /(?<![\w-])xai-[A-Za-z0-9]{60}[A-Za-z0-9]*/y },
  { kind: 'replicate-token', keywords: ['r8_'], pattern: /(?<!\w)r8_[A-Za-z0-9]{37}[A-Za-z0-9]*/y },
  { kind: 'perplexity-key', keywords: ['pplx-'], pattern: /(?<![\w-])pplx-[A-Za-z0-9]{40}[A-Za-z0-9]*/y },
  { kind: 'nvidia-key', keywords: ['nvapi-'], pattern: /(?<![\w-])nvapi-[\w-]{40}[\w-]*/y },
  { kind: 'cerebras-key', keywords: ['csk-'], pattern: /(?<![\w-])csk-[a-z0-9]{40}[a-z0-9]*/y },
  { kind: 'tavily-key', keywords: ['tvly-'], pattern: /(?<![\w-])tvly-[\w-]{24}[\w-]*/y },
  { kind: 'langsmith-key', keywords: ['lsv2_'], pattern: /lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}/y },
  {
    kind: 'pinecone-key',
    keywords: ['pcsk_'],
    pattern: /pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40}[A-Za-z0-9]*/y,
  },
  { kind: 'api-key', keywords: ['sk-helicone-'], pattern: /sk-helicone-[a-z0-9-]{20}[a-z0-9-]*/y },
  { kind: 'elevenlabs-key', keywords: ['sk_'], pattern: /(?<!\w)sk_[0-9a-f]{48}(?!\w)/y },
  {
    kind: 'fireworks-key',
    keywords: ['fw_'],
    pattern: /(?<!\w)fw_(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{22,24}(?!\w)/y,
  },
  { kind: 'together-key', keywords: ['tgp_v1_'], pattern: /tgp_v1_[\w-]{40}[\w-]*/y },
  { kind: 'jina-key', keywords: ['jina_'], pattern: /(?<!\w)jina_[0-9a-f]{32}[\w-]{20}[\w-]*/y },
  { kind: 'firecrawl-key', keywords: ['fc-'], pattern: /(?<![\w-])fc-[0-9a-f]{32}(?![\w-])/y },
  { kind: 'e2b-key', keywords: ['e2b_'], pattern: /(?<!\w)e2b_[0-9a-f]{40}(?!\w)/y },
  { kind: 'runpod-key', keywords: ['rpa_'], pattern: /(?<!\w)rpa_[A-Z0-9]{36}[A-Za-z0-9]*/y },
  { kind: 'wandb-key', keywords: ['wandb_v1_'], pattern: /wandb_v1_\w{30}\w*/y },
  { kind: 'context7-key', keywords: ['ctx7sk-'], pattern: /ctx7sk-[0-9a-f-]{36}/y },
  { kind: 'api-key', keywords: ['key_', 'crsr_'], pattern: /(?<!\w)(?:key|crsr)_[0-9a-f]{64}(?!\w)/y },
  // OpenSync's own
  { kind: 'opensync-key', keywords: ['osk_'], pattern: /(?<![A-Za-z0-9_])osk_[\w-]{16}[\w-]*/y },
  // Clouds
  {
    kind: 'aws-access-key',
    keywords: ['AKIA', 'ASIA', 'ABIA', 'ACCA', 'A3T'],
    pattern: /(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])/y,
  },
  // The secret half has no prefix; beside its id it can be told from a hash.
  {
    kind: 'aws-secret-key',
    keywords: ['AKIA', 'ASIA'],
    pattern: /A(?:KIA|SIA)[A-Z2-7]{16}[\s,;:|"'\\]{1,8}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/dy,
    group: 1,
  },
  {
    kind: 'aws-bedrock-key',
    keywords: ['ABSK'],
    pattern: /(?<![A-Za-z0-9])ABSK[A-Za-z0-9+/]{100}[A-Za-z0-9+/]*={0,2}/y,
  },
  {
    kind: 'azure-key',
    keywords: ['AccountKey=', 'SharedAccessKey=', 'AccessKey='],
    pattern: /(?:Account|SharedAccess|Access)Key=([A-Za-z0-9+/]{40}[A-Za-z0-9+/]*={0,2})/dy,
    group: 1,
  },
  // The signature of a shared-access URL; URL-encoded base64 of 32 bytes.
  {
    kind: 'azure-sas',
    keywords: ['sig='],
    pattern: /(?<=[?&;"'\s])sig=([A-Za-z0-9%+/]{40}[A-Za-z0-9%+/]*={0,2})/dy,
    group: 1,
  },
  {
    kind: 'azure-client-secret',
    keywords: ['7Q~', '8Q~', '9Q~'],
    pattern: /(?<=([\w.~-]{3}))[789]Q~[\w.~-]{31,34}/dy,
    before: 1,
  },
  {
    kind: 'url-signature',
    keywords: ['X-Amz-Signature=', 'X-Goog-Signature='],
    pattern: /X-(?:Amz|Goog)-Signature=([0-9a-f]{64}[0-9a-f]*)/dy,
    group: 1,
  },
  {
    kind: 'digitalocean-token',
    keywords: ['dop_v1_', 'doo_v1_', 'dor_v1_'],
    pattern: /do[por]_v1_[0-9a-f]{64}/y,
  },
  {
    kind: 'cloudflare-token',
    keywords: ['cfut_', 'cfat_', 'cfk_'],
    pattern: /(?<!\w)cf(?:ut|at|k)_[A-Za-z0-9]{40}[A-Za-z0-9]*/y,
  },
  { kind: 'cloudflare-ca-key', keywords: ['v1.0-'], pattern: /v1\.0-[0-9a-f]{24}-[0-9a-f]{146}/y },
  {
    kind: 'vercel-token',
    keywords: ['vcp_', 'vci_', 'vca_', 'vcr_', 'vck_'],
    pattern: /(?<!\w)vc[piark]_[A-Za-z0-9]{20}[A-Za-z0-9]*/y,
  },
  { kind: 'netlify-token', keywords: ['nfp_'], pattern: /(?<!\w)nfp_[A-Za-z0-9]{36}[A-Za-z0-9]*/y },
  { kind: 'heroku-key', keywords: ['HRKU-'], pattern: /HRKU-[\w-]{36}[\w-]*/y },
  { kind: 'fly-token', keywords: ['fm2_', 'fo1_'], pattern: /(?<!\w)f(?:m2|o1)_[\w+/-]{40}[\w+/=-]*/y },
  {
    kind: 'supabase-key',
    keywords: ['sbp_', 'sb_secret_'],
    pattern: /(?<!\w)(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20}[\w-]*)/y,
  },
  {
    kind: 'planetscale-token',
    keywords: ['pscale_'],
    pattern: /pscale_(?:tkn|pw|oauth|otkn)_[\w.=-]{30}[\w.=-]*/y,
  },
  { kind: 'databricks-token', keywords: ['dapi'], pattern: /(?<!\w)dapi[0-9a-fA-F]{32}(?:-\d)?(?!\w)/y },
  {
    kind: 'aws-bedrock-key',
    keywords: ['bedrock-api-key-'],
    pattern: /bedrock-api-key-([A-Za-z0-9+/]{40}[A-Za-z0-9+/]*={0,2})/dy,
    group: 1,
  },
  {
    kind: 'azure-key',
    keywords: ['+ASt', '+AMC', '+ABa', 'ACDb'],
    pattern: /(?<=([A-Za-z0-9+/]{76}))(?:\+A(?:St|MC|Ba)|ACDb)[A-Za-z0-9+/]{6}==/dy,
    before: 1,
  },
  {
    kind: 'azure-devops-token',
    keywords: ['AZDO'],
    pattern: /(?<=(?<![A-Za-z0-9])([A-Za-z0-9]{76}))AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])/dy,
    before: 1,
  },
  {
    kind: 'alibaba-key',
    keywords: ['LTAI'],
    pattern: /(?<![A-Za-z0-9])LTAI[A-Za-z0-9]{16,20}(?![A-Za-z0-9])/y,
  },
  { kind: 'tencent-key', keywords: ['AKID'], pattern: /(?<![A-Za-z0-9])AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])/y },
  {
    kind: 'yandex-key',
    keywords: ['AQVN', 't1.'],
    pattern: /(?<![\w.-])(?:AQVN[\w-]{35,38}|t1\.[\w-]{1,400}={0,2}\.[\w-]{86}={0,2})(?![\w-])/y,
  },
  { kind: 'openshift-token', keywords: ['sha256~'], pattern: /sha256~[\w-]{43}(?![\w-])/y },
  {
    kind: 'dynatrace-token',
    keywords: ['dt0'],
    pattern: /(?<!\w)dt0[a-z]\d{2}\.[A-Z2-7]{24}\.[A-Z2-7]{64}/y,
  },
  { kind: 'neon-key', keywords: ['napi_'], pattern: /(?<!\w)napi_[a-z0-9]{40}[a-z0-9]*/y },
  {
    kind: 'render-key',
    keywords: ['rnd_'],
    pattern: /(?<!\w)rnd_(?=[A-Za-z]{0,27}\d)[A-Za-z0-9]{28}(?!\w)/y,
  },
  { kind: 'deno-token', keywords: ['ddp_', 'ddw_'], pattern: /(?<!\w)dd[pw]_[A-Za-z0-9]{36}(?!\w)/y },
  { kind: 'scalingo-token', keywords: ['tk-us-'], pattern: /(?<![\w-])tk-us-[\w-]{48}(?![\w-])/y },
  {
    kind: 'clickhouse-key',
    keywords: ['4b1d'],
    pattern: /(?<!\w)4b1d(?=[a-z\d]{0,37}[A-Z])[A-Za-z0-9]{38}(?!\w)/y,
  },
  // Convex: `prod:happy-animal-123|<base64>`
  {
    kind: 'convex-deploy-key',
    keywords: ['|eyJ'],
    pattern: /(?<=(?:prod|dev|preview|project):[\w:.-]{1,80})\|(ey[\w+/-]{30}[\w+/=-]*)/dy,
    group: 1,
  },
  // Code hosts and registries
  {
    kind: 'github-token',
    keywords: ['ghp_', 'gho_', 'ghs_', 'ghu_', 'ghr_'],
    pattern: /(?<![A-Za-z0-9])gh[posur]_\w{30}\w*(?:\.[\w-]{10,4000}){0,2}/y,
  },
  { kind: 'github-token', keywords: ['github_pat_'], pattern: /github_pat_\w{40}\w*/y },
  {
    kind: 'gitlab-token',
    keywords: [
      'glpat-',
      'gldt-',
      'glrt-',
      'glcbt-',
      'glptt-',
      'glft-',
      'glimt-',
      'glagent-',
      'glsoat-',
      'glffct-',
      'glrtr-',
      'gloas-',
    ],
    pattern:
      /(?<![A-Za-z0-9])gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|soat|ffct|oas)-[\w-]{20}[\w-]*(?:\.[0-9a-z.]{2,12})?/y,
  },
  { kind: 'npm-token', keywords: ['npm_'], pattern: /(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)/y },
  { kind: 'pypi-token', keywords: ['pypi-'], pattern: /pypi-[\w-]{50}[\w-]*/y },
  { kind: 'ruby-gems-key', keywords: ['rubygems_'], pattern: /rubygems_[0-9a-f]{48}/y },
  {
    kind: 'crates-token',
    keywords: ['cio'],
    pattern: /(?<!\w)cio(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{32}(?!\w)/y,
  },
  { kind: 'nuget-key', keywords: ['oy2'], pattern: /(?<!\w)oy2[a-z0-9]{43}(?!\w)/y },
  { kind: 'docker-token', keywords: ['dckr_pat_', 'dckr_oat_'], pattern: /dckr_[po]at_[\w-]{20}[\w-]*/y },
  {
    kind: 'circleci-token',
    keywords: ['CCIPAT_', 'CCIPRJ_'],
    pattern: /CCIP(?:AT|RJ)_[A-Za-z0-9]{10,30}_[0-9a-f]{40}/y,
  },
  { kind: 'buildkite-token', keywords: ['bkua_'], pattern: /(?<!\w)bkua_[0-9a-f]{40}/y },
  {
    kind: 'sourcegraph-token',
    keywords: ['sgp_'],
    pattern: /(?<!\w)sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}/y,
  },
  {
    kind: 'atlassian-token',
    keywords: ['ATATT', 'ATCTT', 'ATBB'],
    pattern: /(?<!\w)AT(?:ATT|CTT|BB)[\w=-]{24}[\w=-]*/y,
  },
  { kind: 'gitlab-token', keywords: ['GR1348941'], pattern: /(?<!\w)GR1348941[\w-]{20}[\w-]*/y },
  {
    kind: 'artifactory-token',
    keywords: ['AKCp', 'cmVmd'],
    pattern: /(?<!\w)(?:AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59})(?!\w)/y,
  },
  { kind: 'clojars-token', keywords: ['CLOJARS_'], pattern: /CLOJARS_[0-9a-z]{60}/y },
  { kind: 'sonar-token', keywords: ['sqp_', 'sqa_', 'squ_'], pattern: /(?<!\w)sq[pau]_[0-9a-f]{40}(?!\w)/y },
  {
    kind: 'jetbrains-token',
    keywords: ['perm-', 'perm:'],
    pattern: /(?<![\w-])perm[-:][A-Za-z0-9+/=]{4,80}\.[A-Za-z0-9+/=-]{2,80}\.[A-Za-z0-9+/]{20,80}/y,
  },
  // Chat
  {
    kind: 'slack-token',
    keywords: [
      'xoxa-',
      'xoxb-',
      'xoxc-',
      'xoxd-',
      'xoxe-',
      'xoxe.',
      'xoxo-',
      'xoxp-',
      'xoxr-',
      'xoxs-',
      'xapp-',
    ],
    pattern: /(?<![A-Za-z0-9])x(?:ox[a-es]|ox[opr]|app)[-.][\w%-]{10}[\w.%-]*/y,
  },
  {
    kind: 'slack-webhook',
    keywords: ['hooks.slack.com/'],
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/([\w/+-]{20}[\w/+-]*)/dy,
    group: 1,
  },
  {
    kind: 'discord-webhook',
    keywords: ['discord.com/api/', 'discordapp.com/api/'],
    pattern: /discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/\d{1,24}\/([\w-]{40}[\w-]*)/dy,
    group: 1,
  },
  {
    kind: 'webhook',
    keywords: ['webhook.office.com/'],
    pattern:
      /webhook\.office\.com\/webhookb2\/([\w@-]{60,90}\/IncomingWebhook\/[0-9a-f]{32}\/[\w/-]{36}[\w/-]*)/dy,
    group: 1,
  },
  {
    kind: 'discord-token',
    keywords: encodedNumberStarts,
    pattern: /(?<![\w.-])[MNO][A-Za-z0-9]{22,28}\.[\w-]{6}\.[\w-]{27}[\w-]*/y,
  },
  // `<bot id>:AA...`; the id is public.
  {
    kind: 'telegram-token',
    keywords: [':AA'],
    pattern: /(?<=(?<!\d)\d{8,10}):(AA[\w-]{33})(?![\w-])/dy,
    group: 1,
  },
  // Payment, mail, telephony
  {
    kind: 'stripe-key',
    keywords: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'],
    pattern: /(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{10}\w*/y,
  },
  { kind: 'webhook-secret', keywords: ['whsec_'], pattern: /whsec_[A-Za-z0-9+/]{20}[A-Za-z0-9+/]*={0,2}/y },
  {
    kind: 'square-token',
    keywords: ['sq0atp-', 'sq0csp-', 'EAAA'],
    pattern: /(?<![\w+/-])(?:sq0[ac][ts]p-[\w-]{20}[\w-]*|EAAA[\w-]{60}(?![\w+/=-]))/y,
  },
  {
    kind: 'shopify-token',
    keywords: ['shpat_', 'shpca_', 'shppa_', 'shpss_'],
    pattern: /shp(?:at|ca|pa|ss)_[0-9a-zA-Z]{32}[0-9a-zA-Z]*/y,
  },
  { kind: 'sendgrid-key', keywords: ['SG.'], pattern: /(?<![\w.])SG\.[\w-]{16,30}\.[\w-]{30}[\w-]*/y },
  { kind: 'mailgun-key', keywords: ['key-'], pattern: /(?<![\w-])key-[0-9a-f]{32}(?![\w-])/y },
  {
    kind: 'mailchimp-key',
    keywords: ['-us'],
    pattern: /(?<=(?<!\w)([0-9a-f]{32}))-us\d{1,2}(?!\w)/dy,
    before: 1,
  },
  { kind: 'resend-key', keywords: ['re_'], pattern: /(?<!\w)re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20}[A-Za-z0-9]*/y },
  {
    kind: 'twilio-key',
    keywords: hexDigits.map((digit) => `SK${digit}`),
    pattern: /(?<!\w)SK[0-9a-f]{32}(?!\w)/y,
  },
  // The account id is no secret; the token that follows it is: `AC...:<token>`.
  {
    kind: 'twilio-token',
    keywords: hexDigits.map((digit) => `AC${digit}`),
    pattern: /(?<!\w)AC[0-9a-f]{32}[:,\s"']{1,4}([0-9a-f]{32})(?!\w)/dy,
    group: 1,
  },
  {
    kind: 'plaid-token',
    keywords: ['access-'],
    pattern: /(?<![\w-])access-(?:sandbox|development|production)-[0-9a-f-]{36}(?!\w)/y,
  },
  {
    kind: 'braintree-token',
    keywords: ['access_token$'],
    pattern: /access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}/y,
  },
  { kind: 'duffel-token', keywords: ['duffel_'], pattern: /duffel_(?:test|live)_[\w=-]{43}/y },
  { kind: 'easypost-key', keywords: ['EZAK', 'EZTK'], pattern: /(?<!\w)EZ[AT]K[A-Za-z0-9]{54}(?!\w)/y },
  { kind: 'shippo-token', keywords: ['shippo_'], pattern: /shippo_(?:live|test)_[0-9a-fA-F]{40}/y },
  { kind: 'flutterwave-key', keywords: ['FLWSECK'], pattern: /FLWSECK(?:_TEST)?-[0-9A-Za-z]{12,40}(?:-X)?/y },
  {
    kind: 'brevo-key',
    keywords: ['xkeysib-', 'xsmtpsib-'],
    pattern: /x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}/y,
  },
  { kind: 'mailersend-key', keywords: ['mlsn.'], pattern: /(?<![\w.])mlsn\.[0-9a-f]{64}/y },
  {
    kind: 'facebook-token',
    keywords: ['EAAC', 'EAAM'],
    pattern: /(?<!\w)EAA[MC][A-Za-z0-9]{100}[A-Za-z0-9]*/y,
  },
  // Tools
  {
    kind: 'linear-key',
    keywords: ['lin_api_', 'lin_oauth_'],
    pattern: /lin_(?:api|oauth)_[A-Za-z0-9]{32}[A-Za-z0-9]*/y,
  },
  {
    kind: 'notion-key',
    keywords: ['secret_', 'ntn_'],
    pattern: /(?<!\w)(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40}[A-Za-z0-9]*)(?!\w)/y,
  },
  { kind: 'figma-token', keywords: ['figd_', 'figu_', 'figo_'], pattern: /fig[duo]_[\w-]{36}[\w-]*/y },
  { kind: 'airtable-token', keywords: ['pat'], pattern: /(?<!\w)pat[A-Za-z0-9]{14}\.[0-9a-f]{64}/y },
  {
    kind: 'postman-key',
    keywords: ['PMAK-', 'PMAT-'],
    pattern: /PMA(?:K-[0-9a-f]{24}-[0-9a-f]{34}|T-[A-Z0-9]{26})/y,
  },
  {
    kind: 'grafana-token',
    keywords: ['glsa_', 'glc_'],
    pattern: /(?<!\w)gl(?:sa|c)_[A-Za-z0-9+/]{32}[\w+/]*={0,2}/y,
  },
  {
    kind: 'sentry-token',
    keywords: ['sntrys_', 'sntryu_'],
    pattern: /sntry(?:s_eyJ[A-Za-z0-9+/]{30,1000}={0,2}_[A-Za-z0-9+/]{43}|u_[0-9a-f]{64})/y,
  },
  {
    kind: 'doppler-token',
    keywords: ['dp.'],
    pattern: /(?<![\w.])dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40}[\w.-]*/y,
  },
  { kind: 'vault-token', keywords: ['hvs.', 'hvb.', 'hvr.'], pattern: /(?<![\w.])hv[sbr]\.[\w-]{24}[\w-]*/y },
  {
    kind: 'terraform-token',
    keywords: ['.atlasv1.'],
    pattern: /(?<=([A-Za-z0-9]{14}))\.atlasv1\.[\w=-]{60}[\w=-]*/dy,
    before: 1,
  },
  { kind: 'pulumi-token', keywords: ['pul-'], pattern: /(?<![\w-])pul-[0-9a-f]{40}(?!\w)/y },
  { kind: 'tailscale-key', keywords: ['tskey-'], pattern: /tskey-[a-z]{2,12}-[\w-]{16}[\w-]*/y },
  { kind: 'newrelic-key', keywords: ['NRAK-'], pattern: /NRAK-[A-Z0-9]{27}/y },
  { kind: 'posthog-key', keywords: ['phx_'], pattern: /(?<!\w)phx_[A-Za-z0-9]{40}[A-Za-z0-9]*/y },
  { kind: '1password-token', keywords: ['ops_eyJ'], pattern: /(?<!\w)ops_eyJ[\w-]{40}[\w=-]*/y },
  {
    kind: 'age-secret-key',
    keywords: ['AGE-SECRET-KEY-'],
    pattern: /AGE-SECRET-KEY-1[A-Z0-9]{50}[A-Z0-9]*/y,
  },
  {
    kind: 'mapbox-token',
    keywords: ['sk.eyJ'],
    pattern: /(?<![\w.])sk\.eyJ[\w-]{20}[\w-]*\.[\w-]{20}[\w-]*/y,
  },
  { kind: 'contentful-token', keywords: ['CFPAT-'], pattern: /CFPAT-[\w-]{40}[\w-]*/y },
  { kind: 'typeform-token', keywords: ['tfp_'], pattern: /(?<!\w)tfp_[\w.=-]{40}[\w.=-]*/y },
  {
    kind: 'octopus-key',
    keywords: ['API-'],
    pattern: /(?<![\w-])API-(?=[A-Z]{0,25}\d)[A-Z0-9]{26}(?![\w-])/y,
  },
  { kind: 'prefect-key', keywords: ['pnu_', 'pnb_'], pattern: /(?<!\w)pn[ub]_[A-Za-z0-9]{36}(?!\w)/y },
  { kind: 'readme-key', keywords: ['rdme_'], pattern: /(?<!\w)rdme_[a-z0-9]{70}/y },
  {
    kind: 'infracost-key',
    keywords: ['ico-'],
    pattern: /(?<![\w-])ico-(?=[A-Za-z]{0,31}\d)[A-Za-z0-9]{32}(?![\w-])/y,
  },
  {
    kind: 'harness-token',
    keywords: ['pat.', 'sat.'],
    pattern: /(?<![\w.])[ps]at\.[\w-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}/y,
  },
  {
    kind: 'inngest-key',
    keywords: ['signkey-'],
    pattern: /signkey-(?:prod|test|branch)-[0-9a-f]{32}[0-9a-f]*/y,
  },
  {
    kind: 'trigger-key',
    keywords: ['tr_dev_', 'tr_prod_', 'tr_stg_'],
    pattern: /(?<!\w)tr_(?:dev|prod|stg)_[A-Za-z0-9]{16}[A-Za-z0-9]*/y,
  },
  { kind: 'browserbase-key', keywords: ['bb_live_'], pattern: /(?<!\w)bb_live_[\w-]{20}[\w-]*/y },
  {
    kind: 'infisical-token',
    keywords: ['st.'],
    pattern: /(?<![\w.])st\.[0-9a-f-]{24,36}\.[0-9a-f]{32}\.[0-9a-f]{32}/y,
  },
  {
    kind: 'maxmind-key',
    keywords: ['_mmk'],
    pattern: /(?<=(?<![A-Za-z0-9_])([A-Za-z0-9]{6}_[A-Za-z0-9]{29}))_mmk(?!\w)/dy,
    before: 1,
  },
  { kind: 'adobe-secret', keywords: ['p8e-'], pattern: /(?<![\w-])p8e-[A-Za-z0-9-]{32}(?![\w-])/y },
  { kind: 'newrelic-key', keywords: ['NRII-', 'NRRA-'], pattern: /NR(?:II|RA)-[\w-]{30}[\w-]*/y },
  {
    kind: '1password-key',
    keywords: ['A3-'],
    pattern:
      /(?<![\w-])A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}(?![\w-])/y,
  },
  // Formats that belong to nobody
  {
    kind: 'private-key',
    keywords: ['-----BEGIN '],
    pattern: /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y,
    extent: pemBlock,
  },
  {
    kind: 'private-key',
    keywords: ['-----END '],
    pattern: /-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y,
    extent: pemTail,
  },
  // PuTTY's file: the lines after this header.
  { kind: 'private-key', keywords: ['Private-Lines:'], pattern: /Private-Lines: \d{1,3}/y, extent: pemBlock },
  // Header and payload of a JWT are JSON and begin with `{"`; the signature may be cut off.
  {
    kind: 'jwt',
    keywords: ['eyJ'],
    pattern: /(?<![\w-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8}[\w-]*(?:\.[\w-]*)?/y,
  },
  // Encrypted: five parts, of which the second may be empty.
  {
    kind: 'jwt',
    keywords: ['eyJ'],
    pattern: /(?<![\w-])eyJ[\w-]{8,4000}\.[\w-]{0,1000}\.[\w-]{8,200}\.[\w-]{8,65000}\.[\w-]{16,100}/y,
  },
  {
    kind: 'bearer-token',
    keywords: ['Bearer ', 'bearer ', 'BEARER '],
    pattern: /[Bb](?:earer|EARER) {1,4}(?=[A-Za-z._~+/=-]{0,60}\d)([\w.~+/=-]{16}[\w.~+/=-]*)/dy,
    group: 1,
  },
  // Told from prose by what it decodes to.
  {
    kind: 'basic-auth',
    keywords: ['Basic ', 'basic '],
    pattern: /[Bb]asic {1,4}([A-Za-z0-9+/]{6}[A-Za-z0-9+/]*={0,2})(?![\w-])/dy,
    group: 1,
    extent: basicLogin,
  },
  // `://user:password@host`; a password may hold an unescaped @.
  {
    kind: 'url-password',
    keywords: ['://'],
    pattern: /:\/\/[^\s:@/?#"'`<>\\]{0,128}:([^\s/?#"'`<>\\]{4,256})@(?=[\w.[${<-])/dy,
    group: 1,
  },
  // Of databases and queues also with what a URL would have to escape: there people write passwords as they are.
  {
    kind: 'url-password',
    keywords: ['://'],
    pattern:
      /(?<=(?:mongodb(?:\+srv)?|mysqlx?|mariadb|postgres(?:ql)?|rediss?|amqps?|sqlserver|mssql)):\/\/[^\s:@/"'`]{0,100}:([^\s@/"'`]{4,200})@(?=[\w.[])/dy,
    group: 1,
  },
  {
    kind: 'basic-auth',
    keywords: [' -u', ' -U', '--user', '--proxy-user', '"-u"', "'-u'"],
    pattern: /["' ]?--?(?:u|U|user|proxy-user)["']?,?(?: {1,4}|=)?["']?[^\s:"'=]{1,100}:([^\s"'\\]{3,200})/dy,
    group: 1,
    extent: argumentOf(/\b(?:curl|wget|https?|xh|lftp)\b/),
  },
  {
    kind: 'password',
    keywords: [' -p'],
    pattern: / -p["']?([^\s"'=-][^\s"']{5,200})/dy,
    group: 1,
    extent: argumentOf(/\b(?:mysql|mariadb)[a-z]*\b/),
  },
  {
    kind: 'password',
    keywords: [' -p'],
    pattern: / -p {1,4}["']?([^\s"'=-][^\s"']{5,200})/dy,
    group: 1,
    extent: argumentOf(/\b(?:sshpass|(?:docker|podman|registry|oras|az|oc) login)\b/),
  },
  {
    kind: 'password',
    keywords: ['IDENTIFIED BY ', 'identified by '],
    pattern: /(?:IDENTIFIED BY|identified by) (?:PASSWORD |password )?'([^'\n]{4,200})'/dy,
    group: 1,
  },
  {
    kind: 'cookie',
    keywords: ['ookie: ', 'ookie:', 'ookie"', "ookie'", 'OOKIE:'],
    pattern:
      /(?:ookie|OOKIE)\\{0,3}["']?\s{0,2}:\s{0,2}\\{0,3}["'`]?([^\s=;:"'`\\<>(){}]{1,100}=[^\s;"'`\\]{4,4000})/dy,
    group: 1,
    extent: wholeHeader,
  },
];

export const rules: readonly Rule[] = table.map(atWordEdge);
