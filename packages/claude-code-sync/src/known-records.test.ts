import { fileURLToPath } from 'node:url';
import { testKnownRecords } from '../../core/test/known-records.js';
import { unknownRecord } from './known-records.js';

testKnownRecords(fileURLToPath(new URL('../fixtures', import.meta.url)), unknownRecord);
