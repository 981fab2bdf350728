#include "base/self.h"

MT_TLS struct self *self_active;
MT_TLS struct self *self_mine;
