"""The pipeline, stage by stage: what each reads -> what it writes.

collect      the configured sources -> documents, pairs, their times, who is above whom,
             an out-of-domain set
clean        documents, pairs -> the same rows, repaired
deduplicate  documents, pairs -> without copies; edges between near-duplicates; who stands for whom
pair         documents, pairs -> the pairs to learn from, the documents as they are embedded
split        everything so far, frozen ids -> splits by component, held-out queries and qrels,
             fingerprints
augment      training pairs, fingerprints -> training pairs and more of them
mine         training pairs, documents, near edges, hierarchy -> triplets with hard negatives
tokenize     triplets -> tokens of fixed length
explore      documents, splits, near edges, triplets -> a page with a map and a table of documents
validate     triplets, validation queries -> is this data worth training on? metrics and a page
finetune     tokens -> the fine-tuned model
evaluate     models, held-out queries -> metrics with intervals, per-query tables
report       metrics and tables -> the page that a person reads
"""
