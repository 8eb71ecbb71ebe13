/** The program's version; a test holds it equal to package.json and the chart's appVersion. */

export const VERSION = '0.1.0'
