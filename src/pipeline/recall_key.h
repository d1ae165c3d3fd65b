/* pipeline/recall_key.h: all that the records of a run depend on, in one line. */
#ifndef VI_RECALL_KEY_H
#define VI_RECALL_KEY_H

#include "pipeline/recall.h"

/* SHA-256 in hex. Equal keys: the analysis of one input would give the same records. */
int vi_recall_key(const vi_recall_params *p, char key[65], viso_error *err);
/* What it is the digest of, for logs and tests. */
void vi_recall_key_text(const vi_recall_params *p, vi_blob *text);

#endif
