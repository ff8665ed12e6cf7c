-- outside transaction
create index concurrently if not exists search_document_newest on search_document (workspace_id, kind, at desc, id desc);
