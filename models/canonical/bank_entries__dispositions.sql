{{ dispositions(records='bank_entries', feed=var('entities')['bank/entries'].feeds) }}
