/* gallery/internal.h: what the files of the room share. A gallery is a store with tables of its own. */
#ifndef VI_GALLERY_INTERNAL_H
#define VI_GALLERY_INTERNAL_H

#include "gallery/gallery.h"
#include "store/store.h"

extern const vi_store_kind vi_gallery_kind;

#endif
