// Preloaded with --require into what is measured: CommonJS, since an ES module would cost a start of its own.
const { writeFileSync } = require('node:fs');

process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(
    process.env.BENCH_USAGE_FILE,
    JSON.stringify({ cpuMicros: userCPUTime + systemCPUTime, maxRssKb: maxRSS }),
  );
});
