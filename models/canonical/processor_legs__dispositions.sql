{{ dispositions(records='processor_legs', feed=var('entities')['processor/legs'].feeds, derived=true) }}
