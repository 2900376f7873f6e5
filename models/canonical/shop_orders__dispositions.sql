{{ dispositions(records='shop_orders', feed=var('entities')['shop/orders'].feeds) }}
