import { approximateAggregates } from './aggregate/approximate.ts';
import { basicAggregates } from './aggregate/basic.ts';
import { collectingAggregates } from './aggregate/collect.ts';
import { extremeAggregates } from './aggregate/extremes.ts';
import { arrayFunctions } from './array.ts';
import { type Environment, systemEnvironment } from '../../util/index.ts';
import { bytesFunctions } from './bytes.ts';
import { datePartFunctions } from './date-parts.ts';
import { dateTimeFunctions } from './date-time.ts';
import { environmentFunctions } from './environment.ts';
import { FunctionCatalog } from './function.ts';
import { jsonFunctions } from './json.ts';
import { lambdaFunctions, mapFunctions } from './map.ts';
import { mathFunctions } from './math.ts';
import { otherFunctions } from './other.ts';
import { regexFunctions } from './regex.ts';
import { stringFunctions } from './string.ts';
import { tableFunctions } from './table.ts';
import { urlFunctions } from './url.ts';
import { windowFunctions } from './window.ts';

/** All functions that the engine has by itself. */
export function builtInFunctions(environment: Environment = systemEnvironment): FunctionCatalog {
  return new FunctionCatalog([
    ...basicAggregates,
    ...extremeAggregates,
    ...collectingAggregates,
    ...approximateAggregates,
    ...tableFunctions,
    ...windowFunctions,
    ...arrayFunctions,
    ...mapFunctions,
    ...lambdaFunctions,
    ...mathFunctions,
    ...stringFunctions,
    ...bytesFunctions,
    ...regexFunctions,
    ...dateTimeFunctions,
    ...datePartFunctions,
    ...jsonFunctions,
    ...urlFunctions,
    ...otherFunctions,
    ...environmentFunctions(environment),
  ]);
}
