# 1: name of the package
define BuildPackage
$(eval $(Package/$(1)))
$(foreach field,PKG_NAME PKG_VERSION PKG_RELEASE PKG_MAINTAINER PKG_LICENSE PKG_LICENSE_FILES PKG_CPE_ID \
	SECTION TITLE URL DEPENDS PKGARCH USERID CARGO_PKG_ARGS CARGO_PKG_PROFILE RUST_PKG_FEATURES,$(file >$(METADATA)/$(field),$($(field))))
$(foreach text,description conffiles postinst prerm,$(file >$(METADATA)/$(text),$(Package/$(1)/$(text))))

all: install-$(1)
install-$(1):
	$(call Package/$(1)/install,$(ROOT))
endef
