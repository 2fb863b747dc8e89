// The English names of time zones as Java 17 writes and reads them (its CLDR names, and for short names its older ones), and so
// also the list of zones that Java knows: facts, written out once. zone-names.ts reads them.

/** Standard, daylight and generic name, short and then long: the zones that have them. */
export const NAMES_OF_ZONES = `
ACST|ACDT|ACT|Australian Central Standard Time|Australian Central Daylight Time|Central Australia Time: Australia/Adelaide Australia/Broken_Hill Australia/Darwin Australia/North Australia/South Australia/Yancowinna
ACT|ACST|ACT|Acre Standard Time|Acre Summer Time|Acre Time: America/Eirunepe America/Porto_Acre America/Rio_Branco Brazil/Acre
ACWST|ACWDT|ACWT|Australian Central Western Standard Time|Australian Central Western Daylight Time|Australian Central Western Time: Australia/Eucla
AEST|AEDT|AET|Australian Eastern Standard Time|Australian Eastern Daylight Time|Eastern Australia Time: Antarctica/Macquarie Australia/ACT Australia/Brisbane Australia/Canberra Australia/Currie Australia/Hobart Australia/Lindeman Australia/Melbourne Australia/NSW Australia/Queensland Australia/Sydney Australia/Tasmania Australia/Victoria
AFT|AFST|AFT|Afghanistan Time|Afghanistan Summer Time|Afghanistan Time: Asia/Kabul
AKST|AKDT|AKT|Alaska Standard Time|Alaska Daylight Time|Alaska Time: America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat SystemV/YST9YDT US/Alaska
AKST|AKST|AKST|Gambier Time|Gambier Time|Gambier Time: SystemV/YST9
ALMT|ALMST|ALMT|East Kazakhstan Time|Alma-Ata Summer Time|Alma-Ata Time: Asia/Almaty
AMT|AMST|AMT|Amazon Standard Time|Amazon Summer Time|Amazon Time: America/Boa_Vista America/Campo_Grande America/Cuiaba America/Manaus America/Porto_Velho Brazil/West
AMT|AMST|AMT|Armenia Standard Time|Armenia Summer Time|Armenia Time: Asia/Yerevan
ANAT|ANAST|ANAT|Anadyr Standard Time|Anadyr Summer Time|Anadyr Time: Asia/Anadyr
AQTT|AQTST|AQTT|West Kazakhstan Time|Aqtau Summer Time|Aqtau Time: Asia/Aqtau
AQTT|AQTST|AQTT|West Kazakhstan Time|Aqtobe Summer Time|Aqtobe Time: Asia/Aqtobe
ART|ARST|ART|Argentina Standard Time|Argentina Summer Time|Argentina Time: America/Argentina/Buenos_Aires America/Argentina/Catamarca America/Argentina/ComodRivadavia America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia America/Buenos_Aires America/Catamarca America/Cordoba America/Jujuy America/Mendoza America/Rosario
AST|ADT|AT|Arabian Standard Time|Arabian Daylight Time|Arabian Time: Asia/Aden Asia/Baghdad Asia/Bahrain Asia/Kuwait Asia/Qatar Asia/Riyadh
AST|ADT|AT|Atlantic Standard Time|Atlantic Daylight Time|Atlantic Time: America/Anguilla America/Antigua America/Aruba America/Barbados America/Blanc-Sablon America/Curacao America/Dominica America/Glace_Bay America/Goose_Bay America/Grenada America/Guadeloupe America/Halifax America/Kralendijk America/Lower_Princes America/Marigot America/Martinique America/Moncton America/Montserrat America/Port_of_Spain America/Puerto_Rico America/Santo_Domingo America/St_Barthelemy America/St_Kitts America/St_Lucia America/St_Thomas America/St_Vincent America/Thule America/Tortola America/Virgin Atlantic/Bermuda Canada/Atlantic SystemV/AST4 SystemV/AST4ADT
AWST|AWDT|AWT|Australian Western Standard Time|Australian Western Daylight Time|Western Australia Time: Australia/Perth Australia/West
AWST|AWDT|AWT|Casey Time|Australian Western Daylight Time|Australian Western Time: Antarctica/Casey
AZOT|AZOST|AZOT|Azores Standard Time|Azores Summer Time|Azores Time: Atlantic/Azores
AZT|AZST|AZT|Azerbaijan Standard Time|Azerbaijan Summer Time|Azerbaijan Time: Asia/Baku
BDT|BDST|BDT|Bangladesh Standard Time|Bangladesh Summer Time|Bangladesh Time: Asia/Dacca Asia/Dhaka
BNT|BNST|BNT|Brunei Darussalam Time|Brunei Summer Time|Brunei Time: Asia/Brunei
BOT|BOST|BOT|Bolivia Time|Bolivia Summer Time|Bolivia Time: America/La_Paz
BRT|BRST|BRT|Brasilia Standard Time|Brasilia Summer Time|Brasilia Time: America/Araguaina America/Bahia America/Belem America/Fortaleza America/Maceio America/Recife America/Santarem America/Sao_Paulo Brazil/East
BST|BST|BT|Bougainville Standard Time|Bougainville Daylight Time|Bougainville Time: Pacific/Bougainville
BTT|BTST|BTT|Bhutan Time|Bhutan Summer Time|Bhutan Time: Asia/Thimbu Asia/Thimphu
CAT|CAST|CAT|Central Africa Time|Central African Summer Time|Central Africa Time: Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Juba Africa/Khartoum Africa/Kigali Africa/Lubumbashi Africa/Lusaka Africa/Maputo
CAT|WAT|CAT|Central Africa Time|Western African Time|Central African Time: Africa/Windhoek
CCT|CCST|CCT|Cocos Islands Time|Cocos Islands Summer Time|Cocos Islands Time: Indian/Cocos
CET|CEST|CET|Central European Standard Time|Central European Summer Time|Central European Time: Africa/Algiers Africa/Ceuta Africa/Tunis Arctic/Longyearbyen Atlantic/Jan_Mayen Europe/Amsterdam Europe/Andorra Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest Europe/Busingen Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Podgorica Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich Poland
CET|CEST|CET|Central European Time|Central European Summer Time|Central European Time: CET
CHAST|CHADT|CHAT|Chatham Standard Time|Chatham Daylight Time|Chatham Time: NZ-CHAT Pacific/Chatham
CHOT|CHOST|CHOT|Ulaanbaatar Standard Time|Ulaanbaatar Summer Time|Ulaanbaatar Time: Asia/Choibalsan
CHUT|CHUST|CHUT|Chuuk Time|Chuuk Summer Time|Chuuk Time: Pacific/Chuuk Pacific/Truk Pacific/Yap
CKT|CKHST|CKT|Cook Islands Standard Time|Cook Islands Half Summer Time|Cook Islands Time: Pacific/Rarotonga
CLT|CLST|CLT|Chile Standard Time|Chile Summer Time|Chile Time: America/Santiago Chile/Continental
CLT|CLST|CLT|Chile Time|Chile Summer Time|Chile Time: Antarctica/Palmer
COT|COST|COT|Colombia Standard Time|Colombia Summer Time|Colombia Time: America/Bogota
CST|CDT|CT|Central Standard Time|Central Daylight Time|Central Time: America/Bahia_Banderas America/Belize America/Chicago America/Chihuahua America/Costa_Rica America/El_Salvador America/Guatemala America/Indiana/Knox America/Indiana/Tell_City America/Knox_IN America/Managua America/Matamoros America/Menominee America/Merida America/Mexico_City America/Monterrey America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem America/Ojinaga America/Rainy_River America/Rankin_Inlet America/Regina America/Resolute America/Swift_Current America/Tegucigalpa America/Winnipeg CST6CDT Canada/Central Canada/Saskatchewan Mexico/General SystemV/CST6 SystemV/CST6CDT US/Central US/Indiana-Starke
CST|CDT|CT|China Standard Time|China Daylight Time|China Time: Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Macao Asia/Macau Asia/Shanghai PRC
CST|CDT|CT|Cuba Standard Time|Cuba Daylight Time|Cuba Time: America/Havana Cuba
CST|CDT|CT|Taipei Standard Time|Taipei Daylight Time|Taipei Time: Asia/Taipei
CVT|CVST|CVT|Cape Verde Standard Time|Cape Verde Summer Time|Cape Verde Time: Atlantic/Cape_Verde
CXT|CXST|CIT|Christmas Island Time|Christmas Island Summer Time|Christmas Island Time: Indian/Christmas
ChST|ChDT|ChT|Chamorro Standard Time|Chamorro Daylight Time|Chamorro Time: Pacific/Guam Pacific/Saipan
DAVT|DAVST|DAVT|Davis Time|Davis Summer Time|Davis Time: Antarctica/Davis
DDUT|DDUST|DDUT|Dumont-d’Urville Time|Dumont-d'Urville Summer Time|Dumont-d'Urville Time: Antarctica/DumontDUrville
EAST|EASST|EAST|Easter Island Standard Time|Easter Island Summer Time|Easter Island Time: Chile/EasterIsland Pacific/Easter
EAT|EAST|EAT|East Africa Time|Eastern African Summer Time|Eastern Africa Time: Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala Africa/Mogadishu Africa/Nairobi Indian/Antananarivo Indian/Comoro Indian/Mayotte
ECT|ECST|ECT|Ecuador Time|Ecuador Summer Time|Ecuador Time: America/Guayaquil
EET|EEST|EET|Eastern European Standard Time|Eastern European Summer Time|Eastern European Time: Africa/Cairo Africa/Tripoli Asia/Amman Asia/Beirut Asia/Damascus Asia/Gaza Asia/Hebron Asia/Nicosia Egypt Europe/Athens Europe/Bucharest Europe/Chisinau Europe/Helsinki Europe/Kaliningrad Europe/Kiev Europe/Kyiv Europe/Mariehamn Europe/Nicosia Europe/Riga Europe/Sofia Europe/Tallinn Europe/Tiraspol Europe/Uzhgorod Europe/Vilnius Europe/Zaporozhye Libya
EET|EEST|EET|Eastern European Time|Eastern European Summer Time|Eastern European Time: Asia/Famagusta EET
EGT|EGST|EGT|East Greenland Standard Time|East Greenland Summer Time|East Greenland Time: America/Scoresbysund
EST|EDT|ET|Eastern Standard Time|Eastern Daylight Time|Eastern Time: America/Atikokan America/Cancun America/Cayman America/Coral_Harbour America/Detroit America/Fort_Wayne America/Grand_Turk America/Indiana/Indianapolis America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac America/Indianapolis America/Iqaluit America/Jamaica America/Kentucky/Louisville America/Kentucky/Monticello America/Louisville America/Montreal America/Nassau America/New_York America/Nipigon America/Panama America/Pangnirtung America/Port-au-Prince America/Thunder_Bay America/Toronto Canada/Eastern EST5EDT Jamaica SystemV/EST5 SystemV/EST5EDT US/East-Indiana US/Eastern US/Michigan
FJT|FJST|FJT|Fiji Standard Time|Fiji Summer Time|Fiji Time: Pacific/Fiji
FKT|FKST|FKT|Falkland Islands Standard Time|Falkland Islands Summer Time|Falkland Islands Time: Atlantic/Stanley
FNT|FNST|FNT|Fernando de Noronha Standard Time|Fernando de Noronha Summer Time|Fernando de Noronha Time: America/Noronha Brazil/DeNoronha
GALT|GALST|GALT|Galapagos Time|Galapagos Summer Time|Galapagos Time: Pacific/Galapagos
GAMT|GAMST|GAMT|Gambier Time|Gambier Summer Time|Gambier Time: Pacific/Gambier
GET|GEST|GET|Georgia Standard Time|Georgia Summer Time|Georgia Time: Asia/Tbilisi
GFT|GFST|GFT|French Guiana Time|French Guiana Summer Time|French Guiana Time: America/Cayenne
GILT|GILST|GILT|Gilbert Islands Time|Gilbert Is. Summer Time|Gilbert Is. Time: Pacific/Tarawa
GMT+01:00|GMT+01:00|GMT+01:00|GMT+01:00|GMT+01:00|GMT+01:00: Etc/GMT-1
GMT+02:00|GMT+02:00|GMT+02:00|GMT+02:00|GMT+02:00|GMT+02:00: Etc/GMT-2
GMT+03:00|GMT+03:00|GMT+03:00|GMT+03:00|GMT+03:00|GMT+03:00: Etc/GMT-3
GMT+04:00|GMT+04:00|GMT+04:00|Astrakhan Standard Time|Astrakhan Standard Time|Astrakhan Time: Europe/Astrakhan
GMT+04:00|GMT+04:00|GMT+04:00|GMT+04:00|GMT+04:00|GMT+04:00: Etc/GMT-4
GMT+04:00|GMT+04:00|GMT+04:00|Saratov Standard Time|Saratov Standard Time|Saratov Time: Europe/Saratov
GMT+04:00|GMT+04:00|GMT+04:00|Ulyanovsk Standard Time|Ulyanovsk Standard Time|Ulyanovsk Time: Europe/Ulyanovsk
GMT+05:00|GMT+05:00|GMT+05:00|GMT+05:00|GMT+05:00|GMT+05:00: Etc/GMT-5
GMT+05:00|GMT+05:00|GMT+05:00|West Kazakhstan Time|Atyrau Daylight Time|Atyrau Time: Asia/Atyrau
GMT+06:00|GMT+06:00|GMT+06:00|GMT+06:00|GMT+06:00|GMT+06:00: Etc/GMT-6
GMT+07:00|GMT+07:00|GMT+07:00|Barnaul Standard Time|Barnaul Daylight Time|Barnaul Time: Asia/Barnaul
GMT+07:00|GMT+07:00|GMT+07:00|GMT+07:00|GMT+07:00|GMT+07:00: Etc/GMT-7
GMT+07:00|GMT+07:00|GMT+07:00|Tomsk Standard Time|Tomsk Daylight Time|Tomsk Time: Asia/Tomsk
GMT+08:00|GMT+08:00|GMT+08:00|GMT+08:00|GMT+08:00|GMT+08:00: Etc/GMT-8
GMT+09:00|GMT+09:00|GMT+09:00|GMT+09:00|GMT+09:00|GMT+09:00: Etc/GMT-9
GMT+10:00|GMT+10:00|GMT+10:00|GMT+10:00|GMT+10:00|GMT+10:00: Etc/GMT-10
GMT+11:00|GMT+11:00|GMT+11:00|GMT+11:00|GMT+11:00|GMT+11:00: Etc/GMT-11
GMT+12:00|GMT+12:00|GMT+12:00|GMT+12:00|GMT+12:00|GMT+12:00: Etc/GMT-12
GMT+13:00|GMT+13:00|GMT+13:00|GMT+13:00|GMT+13:00|GMT+13:00: Etc/GMT-13
GMT+13:00|GMT+13:00|GMT+13:00|Kanton Standard Time|Kanton Daylight Time|Kanton Time: Pacific/Kanton
GMT+14:00|GMT+14:00|GMT+14:00|GMT+14:00|GMT+14:00|GMT+14:00: Etc/GMT-14
GMT-01:00|GMT-01:00|GMT-01:00|GMT-01:00|GMT-01:00|GMT-01:00: Etc/GMT+1
GMT-02:00|GMT-02:00|GMT-02:00|GMT-02:00|GMT-02:00|GMT-02:00: Etc/GMT+2
GMT-03:00|GMT-03:00|GMT-03:00|GMT-03:00|GMT-03:00|GMT-03:00: Etc/GMT+3
GMT-03:00|GMT-03:00|GMT-03:00|Punta Arenas Standard Time|Punta Arenas Standard Time|Punta Arenas Time: America/Punta_Arenas
GMT-04:00|GMT-04:00|GMT-04:00|GMT-04:00|GMT-04:00|GMT-04:00: Etc/GMT+4
GMT-05:00|GMT-05:00|GMT-05:00|GMT-05:00|GMT-05:00|GMT-05:00: Etc/GMT+5
GMT-06:00|GMT-06:00|GMT-06:00|GMT-06:00|GMT-06:00|GMT-06:00: Etc/GMT+6
GMT-07:00|GMT-07:00|GMT-07:00|GMT-07:00|GMT-07:00|GMT-07:00: Etc/GMT+7
GMT-08:00|GMT-08:00|GMT-08:00|GMT-08:00|GMT-08:00|GMT-08:00: Etc/GMT+8
GMT-09:00|GMT-09:00|GMT-09:00|GMT-09:00|GMT-09:00|GMT-09:00: Etc/GMT+9
GMT-10:00|GMT-10:00|GMT-10:00|GMT-10:00|GMT-10:00|GMT-10:00: Etc/GMT+10
GMT-11:00|GMT-11:00|GMT-11:00|GMT-11:00|GMT-11:00|GMT-11:00: Etc/GMT+11
GMT-12:00|GMT-12:00|GMT-12:00|GMT-12:00|GMT-12:00|GMT-12:00: Etc/GMT+12
GMT|BST|BT|Greenwich Mean Time|British Summer Time|British Time: Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London GB GB-Eire
GMT|CEST|ATT|Greenwich Mean Time|Central European Summer Time|Troll Time: Antarctica/Troll
GMT|GHST|GMT|Greenwich Mean Time|Ghana Summer Time|Ghana Mean Time: Africa/Accra
GMT|GMT|GMT|Greenwich Mean Time|Greenwich Mean Time|Greenwich Mean Time: Africa/Abidjan Africa/Bamako Africa/Banjul Africa/Bissau Africa/Conakry Africa/Dakar Africa/Freetown Africa/Lome Africa/Monrovia Africa/Nouakchott Africa/Ouagadougou Africa/Sao_Tome Africa/Timbuktu America/Danmarkshavn Atlantic/Reykjavik Atlantic/St_Helena Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich GMT GMT0 Greenwich Iceland
GMT|IST|IT|Greenwich Mean Time|Irish Standard Time|Irish Time: Eire Europe/Dublin
GST|GDT|GT|Gulf Standard Time|Gulf Daylight Time|Gulf Time: Asia/Dubai Asia/Muscat
GST|GDT|GT|South Georgia Time|South Georgia Daylight Time|South Georgia Time: Atlantic/South_Georgia
GYT|GYST|GYT|Guyana Time|Guyana Summer Time|Guyana Time: America/Guyana
HAST|HADT|HAT|Hawaii-Aleutian Standard Time|Hawaii-Aleutian Daylight Time|Hawaii-Aleutian Time: America/Adak America/Atka Pacific/Johnston US/Aleutian
HKT|HKST|HKT|Hong Kong Standard Time|Hong Kong Summer Time|Hong Kong Time: Asia/Hong_Kong Hongkong
HOVT|HOVST|HOVT|Hovd Standard Time|Hovd Summer Time|Hovd Time: Asia/Hovd
HST|HDT|HST|Hawaii-Aleutian Standard Time|Hawaii-Aleutian Daylight Time|Hawaii-Aleutian Time: Pacific/Honolulu SystemV/HST10 US/Hawaii
ICT|ICST|ICT|Indochina Time|Indochina Summer Time|Indochina Time: Asia/Bangkok Asia/Ho_Chi_Minh Asia/Phnom_Penh Asia/Saigon Asia/Vientiane
IOT|IOST|IOT|Indian Ocean Time|Indian Ocean Territory Summer Time|Indian Ocean Territory Time: Indian/Chagos
IRKT|IRKST|IRKT|Irkutsk Standard Time|Irkutsk Summer Time|Irkutsk Time: Asia/Irkutsk
IRST|IRDT|IRT|Iran Standard Time|Iran Daylight Time|Iran Time: Asia/Tehran Iran
IST|IDT|IT|India Standard Time|India Daylight Time|India Time: Asia/Calcutta Asia/Colombo Asia/Kolkata
IST|IDT|IT|Israel Standard Time|Israel Daylight Time|Israel Time: Asia/Jerusalem Asia/Tel_Aviv Israel
JST|JDT|JT|Japan Standard Time|Japan Daylight Time|Japan Time: Asia/Tokyo Japan
KGT|KGST|KGT|Kyrgyzstan Time|Kirgizstan Summer Time|Kirgizstan Time: Asia/Bishkek
KOST|KOSST|KOST|Kosrae Time|Kosrae Summer Time|Kosrae Time: Pacific/Kosrae
KRAT|KRAST|KRAT|Krasnoyarsk Standard Time|Krasnoyarsk Summer Time|Krasnoyarsk Time: Asia/Krasnoyarsk Asia/Novokuznetsk
KST|KDT|KT|Korean Standard Time|Korean Daylight Time|Korean Time: Asia/Pyongyang Asia/Seoul ROK
LHST|LHDT|LHT|Lord Howe Standard Time|Lord Howe Daylight Time|Lord Howe Time: Australia/LHI Australia/Lord_Howe
LINT|LINST|LINT|Line Islands Time|Line Is. Summer Time|Line Is. Time: Pacific/Kiritimati
MAGT|MAGST|MAGT|Magadan Standard Time|Magadan Summer Time|Magadan Time: Asia/Magadan
MART|MARST|MART|Marquesas Time|Marquesas Summer Time|Marquesas Time: Pacific/Marquesas
MAWT|MAWST|MAWT|Mawson Time|Mawson Summer Time|Mawson Time: Antarctica/Mawson
MET|MEST|MET|Middle Europe Time|Middle Europe Summer Time|Middle Europe Time: MET
MHT|MHST|MHT|Marshall Islands Time|Marshall Islands Summer Time|Marshall Islands Time: Kwajalein Pacific/Kwajalein Pacific/Majuro
MMT|MMST|MMT|Myanmar Time|Myanmar Summer Time|Myanmar Time: Asia/Rangoon Asia/Yangon
MSK|MSD|MT|Moscow Standard Time|Moscow Daylight Time|Moscow Time: Europe/Kirov
MSK|MSD|MT|Moscow Standard Time|Moscow Summer Time|Moscow Time: Europe/Minsk Europe/Moscow Europe/Simferopol W-SU
MSK|MSD|MT|Volgograd Standard Time|Volgograd Summer Time|Volgograd Time: Europe/Volgograd
MST|MDT|MT|Mexican Pacific Standard Time|Mexican Pacific Daylight Time|Mexican Pacific Time: America/Hermosillo America/Mazatlan Mexico/BajaSur
MST|MDT|MT|Mountain Standard Time|Mountain Daylight Time|Mountain Time: America/Boise America/Cambridge_Bay America/Ciudad_Juarez America/Creston America/Dawson America/Dawson_Creek America/Denver America/Edmonton America/Fort_Nelson America/Inuvik America/Phoenix America/Shiprock America/Whitehorse America/Yellowknife Canada/Mountain Canada/Yukon MST7MDT Navajo SystemV/MST7 SystemV/MST7MDT US/Arizona US/Mountain
MUT|MUST|MUT|Mauritius Standard Time|Mauritius Summer Time|Mauritius Time: Indian/Mauritius
MVT|MVST|MVT|Maldives Time|Maldives Summer Time|Maldives Time: Indian/Maldives
MYT|MYST|MYT|Malaysia Time|Malaysia Summer Time|Malaysia Time: Asia/Kuala_Lumpur Asia/Kuching
NCT|NCST|NCT|New Caledonia Standard Time|New Caledonia Summer Time|New Caledonia Time: Pacific/Noumea
NFT|NFST|NFT|Norfolk Island Standard Time|Norfolk Island Daylight Time|Norfolk Island Time: Pacific/Norfolk
NOVT|NOVST|NOVT|Novosibirsk Standard Time|Novosibirsk Summer Time|Novosibirsk Time: Asia/Novosibirsk
NPT|NPST|NPT|Nepal Time|Nepal Summer Time|Nepal Time: Asia/Kathmandu Asia/Katmandu
NRT|NRST|NRT|Nauru Time|Nauru Summer Time|Nauru Time: Pacific/Nauru
NST|NDT|NT|Newfoundland Standard Time|Newfoundland Daylight Time|Newfoundland Time: America/St_Johns Canada/Newfoundland
NUT|NUST|NUT|Niue Time|Niue Summer Time|Niue Time: Pacific/Niue
NZST|NZDT|NZT|New Zealand Standard Time|New Zealand Daylight Time|New Zealand Time: Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland
OMST|OMSST|OMST|Omsk Standard Time|Omsk Summer Time|Omsk Time: Asia/Omsk
ORAT|ORAST|ORAT|West Kazakhstan Time|Oral Summer Time|Oral Time: Asia/Oral
PETT|PETST|PETT|Petropavlovsk-Kamchatski Standard Time|Petropavlovsk-Kamchatski Summer Time|Petropavlovsk-Kamchatski Time: Asia/Kamchatka
PET|PEST|PET|Peru Standard Time|Peru Summer Time|Peru Time: America/Lima
PGT|PGST|PGT|Papua New Guinea Time|Papua New Guinea Summer Time|Papua New Guinea Time: Pacific/Port_Moresby
PHOT|PHOST|PHOT|Phoenix Islands Time|Phoenix Is. Summer Time|Phoenix Is. Time: Pacific/Enderbury
PKT|PKST|PKT|Pakistan Standard Time|Pakistan Summer Time|Pakistan Time: Asia/Karachi
PMST|PMDT|PMT|St. Pierre & Miquelon Standard Time|St. Pierre & Miquelon Daylight Time|St. Pierre & Miquelon Time: America/Miquelon
PONT|PONST|PONT|Ponape Time|Pohnpei Summer Time|Ponape Time: Pacific/Pohnpei Pacific/Ponape
PST|PDT|PT|Northwest Mexico Standard Time|Northwest Mexico Daylight Time|Northwest Mexico Time: America/Santa_Isabel
PST|PDT|PT|Pacific Standard Time|Pacific Daylight Time|Pacific Time: America/Ensenada America/Los_Angeles America/Tijuana America/Vancouver Canada/Pacific Mexico/BajaNorte PST8PDT SystemV/PST8PDT US/Pacific
PST|PDT|PT|Philippine Standard Time|Philippine Summer Time|Philippine Time: Asia/Manila
PST|PDT|PT|Pitcairn Time|Pitcairn Daylight Time|Pitcairn Time: Pacific/Pitcairn
PST|PST|PST|Pitcairn Time|Pitcairn Time|Pitcairn Time: SystemV/PST8
PWT|PWST|PWT|Palau Time|Palau Summer Time|Palau Time: Pacific/Palau
PYT|PYST|PYT|Paraguay Standard Time|Paraguay Summer Time|Paraguay Time: America/Asuncion
QOST|QOSST|QOST|East Kazakhstan Time|Kostanay Summer Time|Kostanay Time: Asia/Qostanay
QYZT|QYZST|QYZT|West Kazakhstan Time|Qyzylorda Summer Time|Qyzylorda Time: Asia/Qyzylorda
RET|REST|RET|Réunion Time|Reunion Summer Time|Reunion Time: Indian/Reunion
ROTT|ROTST|ROTT|Rothera Time|Rothera Summer Time|Rothera Time: Antarctica/Rothera
SAKT|SAKST|SAKT|Sakhalin Standard Time|Sakhalin Summer Time|Sakhalin Time: Asia/Sakhalin
SAMT|SAMST|SAMT|Samara Standard Time|Samara Summer Time|Samara Time: Europe/Samara
SAST|SAST|SAT|South Africa Standard Time|South Africa Summer Time|South Africa Time: Africa/Johannesburg Africa/Maseru Africa/Mbabane
SBT|SBST|SBT|Solomon Islands Time|Solomon Is. Summer Time|Solomon Is. Time: Pacific/Guadalcanal
SCT|SCST|SCT|Seychelles Time|Seychelles Summer Time|Seychelles Time: Indian/Mahe
SGT|SGST|SGT|Singapore Standard Time|Singapore Summer Time|Singapore Time: Asia/Singapore Singapore
SRET|SREDT|SRET|Srednekolymsk Time|Srednekolymsk Daylight Time|Srednekolymsk Time: Asia/Srednekolymsk
SRT|SRST|SRT|Suriname Time|Suriname Summer Time|Suriname Time: America/Paramaribo
SST|SDT|ST|Samoa Standard Time|Samoa Daylight Time|Samoa Time: Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
SYOT|SYOST|SYOT|Syowa Time|Syowa Summer Time|Syowa Time: Antarctica/Syowa
TAHT|TAHST|TAHT|Tahiti Time|Tahiti Summer Time|Tahiti Time: Pacific/Tahiti
TFT|TFST|TFT|French Southern & Antarctic Time|French Southern & Antarctic Lands Summer Time|French Southern & Antarctic Lands Time: Indian/Kerguelen
TJT|TJST|TJT|Tajikistan Time|Tajikistan Summer Time|Tajikistan Time: Asia/Dushanbe
TKT|TKST|TKT|Tokelau Time|Tokelau Summer Time|Tokelau Time: Pacific/Fakaofo
TLT|TLST|TLT|East Timor Time|Timor-Leste Summer Time|Timor-Leste Time: Asia/Dili
TMT|TMST|TMT|Turkmenistan Standard Time|Turkmenistan Summer Time|Turkmenistan Time: Asia/Ashgabat Asia/Ashkhabad
TOT|TOST|TOT|Tonga Standard Time|Tonga Summer Time|Tonga Time: Pacific/Tongatapu
TRT|TRST|TRT|Turkey Time|Turkey Summer Time|Turkey Time: Asia/Istanbul Europe/Istanbul Turkey
TVT|TVST|TVT|Tuvalu Time|Tuvalu Summer Time|Tuvalu Time: Pacific/Funafuti
ULAT|ULAST|ULAT|Ulaanbaatar Standard Time|Ulaanbaatar Summer Time|Ulaanbaatar Time: Asia/Ulaanbaatar Asia/Ulan_Bator
UTC|UTC|UTC|Coordinated Universal Time|Coordinated Universal Time|Coordinated Universal Time: Etc/UCT Etc/UTC Etc/Universal Etc/Zulu UCT UTC Universal Zulu
UYT|UYST|UYT|Uruguay Standard Time|Uruguay Summer Time|Uruguay Time: America/Montevideo
UZT|UZST|UZT|Uzbekistan Standard Time|Uzbekistan Summer Time|Uzbekistan Time: Asia/Samarkand Asia/Tashkent
VET|VEST|VET|Venezuela Time|Venezuela Summer Time|Venezuela Time: America/Caracas
VLAT|VLAST|VLAT|Vladivostok Standard Time|Vladivostok Summer Time|Vladivostok Time: Asia/Ust-Nera Asia/Vladivostok
VOST|VOSST|VOST|Vostok Time|Vostok Summer Time|Vostok Time: Antarctica/Vostok
VUT|VUST|VUT|Vanuatu Standard Time|Vanuatu Summer Time|Vanuatu Time: Pacific/Efate
WAKT|WAKST|WAKT|Wake Island Time|Wake Summer Time|Wake Time: Pacific/Wake
WAT|WAST|WAT|West Africa Standard Time|West Africa Summer Time|West Africa Time: Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos Africa/Libreville Africa/Luanda Africa/Malabo Africa/Ndjamena Africa/Niamey Africa/Porto-Novo
WET|WEST|WET|Western European Standard Time|Western European Summer Time|Western European Time: Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira Europe/Lisbon Portugal
WET|WEST|WET|Western European Time|Western European Summer Time|Western European Time: Africa/Casablanca Africa/El_Aaiun WET
WFT|WFST|WFT|Wallis & Futuna Time|Wallis & Futuna Summer Time|Wallis & Futuna Time: Pacific/Wallis
WGT|WGST|WGT|West Greenland Standard Time|West Greenland Summer Time|West Greenland Time: America/Godthab America/Nuuk
WIB|WIST|WIB|Western Indonesia Time|West Indonesia Summer Time|West Indonesia Time: Asia/Jakarta Asia/Pontianak
WITA|CIST|WITA|Central Indonesia Time|Central Indonesia Summer Time|Central Indonesia Time: Asia/Makassar Asia/Ujung_Pandang
WIT|EIST|WIT|Eastern Indonesia Time|East Indonesia Summer Time|East Indonesia Time: Asia/Jayapura
WSST|WSDT|WST|Apia Standard Time|Apia Daylight Time|Apia Time: Pacific/Apia
XJT|XJDT|XJT|Xinjiang Standard Time|Xinjiang Daylight Time|Xinjiang Time: Asia/Kashgar Asia/Urumqi
YAKT|YAKST|YAKT|Yakutsk Standard Time|Yakutsk Summer Time|Yakutsk Time: Asia/Chita Asia/Khandyga Asia/Yakutsk
YEKT|YEKST|YEKT|Yekaterinburg Standard Time|Yekaterinburg Summer Time|Yekaterinburg Time: Asia/Yekaterinburg
`;

/** The zone that a short name means where it is read. */
export const ZONES_OF_SHORT_NAMES = `
Africa/Abidjan: ATT|GHST|IST|IT
Africa/Johannesburg: SAST|SAT
Africa/Lagos: WAST|WAT
Africa/Maputo: CAST|CAT
Africa/Nairobi: EAT
America/Argentina/Buenos_Aires: ARST|ART
America/Asuncion: PYST|PYT
America/Bogota: COST|COT
America/Caracas: VEST|VET
America/Cayenne: GFST|GFT
America/Chicago: CDT|CST|CT
America/Denver: MDT|MST
America/Guayaquil: ECST|ECT
America/Guyana: GYST|GYT
America/Halifax: ADT|AST|AT
America/Juneau: AKDT|AKST|AKT
America/La_Paz: BOST|BOT
America/Lima: PEST|PET
America/Los_Angeles: PDT|PST|PT
America/Manaus: AMST|AMT
America/Miquelon: PMDT|PMST|PMT
America/Montevideo: UYST|UYT
America/New_York: EDT|EST|ET
America/Noronha: FNST|FNT
America/Nuuk: WGST|WGT
America/Paramaribo: SRST|SRT
America/Rio_Branco: ACST|ACT
America/Sao_Paulo: BRST|BRT
America/Scoresbysund: EGST|EGT
America/St_Johns: NDT|NST|NT
Antarctica/Davis: DAVST|DAVT
Antarctica/Mawson: MAWST|MAWT
Antarctica/Palmer: CLST|CLT
Antarctica/Rothera: ROTST|ROTT
Antarctica/Vostok: VOSST|VOST
Asia/Almaty: ALMST|ALMT|QOSST|QOST
Asia/Anadyr: ANAST|ANAT
Asia/Aqtobe: AQTST|AQTT|ORAST|ORAT|QYZST|QYZT
Asia/Ashgabat: TMST|TMT
Asia/Baku: AZST|AZT
Asia/Bangkok: CIT|CXST|CXT|ICST|ICT
Asia/Bishkek: KGST|KGT
Asia/Dhaka: BDST|BDT
Asia/Dili: TLST|TLT
Asia/Dubai: REST|RET|SCST|SCT
Asia/Dushanbe: TJST|TJT
Asia/Hong_Kong: HKST|HKT
Asia/Hovd: HOVST|HOVT
Asia/Irkutsk: IRKST|IRKT
Asia/Jakarta: WIB|WIST
Asia/Jayapura: EIST|WIT
Asia/Kabul: AFST|AFT
Asia/Kamchatka: PETST|PETT
Asia/Karachi: PKST|PKT
Asia/Kathmandu: NPST|NPT
Asia/Kolkata: IDT
Asia/Krasnoyarsk: KRAST|KRAT
Asia/Kuching: BNST|BNT|MYST|MYT
Asia/Magadan: MAGST|MAGT
Asia/Makassar: CIST|WITA
Asia/Novosibirsk: NOVST|NOVT
Asia/Omsk: OMSST|OMST
Asia/Riyadh: SYOST|SYOT
Asia/Sakhalin: SAKST|SAKT
Asia/Seoul: KDT|KST|KT
Asia/Singapore: SGST|SGT
Asia/Srednekolymsk: SREDT|SRET
Asia/Tashkent: UZST|UZT
Asia/Tbilisi: GEST|GET
Asia/Tehran: IRDT|IRST|IRT
Asia/Thimphu: BTST|BTT
Asia/Tokyo: JDT|JST|JT
Asia/Ulaanbaatar: CHOST|CHOT|ULAST|ULAT
Asia/Urumqi: XJDT|XJT
Asia/Vladivostok: VLAST|VLAT
Asia/Yakutsk: YAKST|YAKT
Asia/Yangon: CCST|CCT|MMST|MMT
Asia/Yekaterinburg: YEKST|YEKT
Atlantic/Azores: AZOST|AZOT
Atlantic/Canary: WEST|WET
Atlantic/Cape_Verde: CVST|CVT
Atlantic/South_Georgia: GDT|GST|GT
Atlantic/Stanley: FKST|FKT
Australia/Adelaide: ACDT
Australia/Eucla: ACWDT|ACWST|ACWT
Australia/Lord_Howe: LHDT|LHST|LHT
Australia/Perth: AWDT|AWST|AWT
Australia/Sydney: AEDT|AEST|AET
Europe/Bucharest: EEST|EET
Europe/Istanbul: TRST|TRT
Europe/Moscow: MSD|MSK|MT
Europe/Paris: CEST|CET|MEST|MET
Europe/Samara: SAMST|SAMT
GMT: GMT
GMT+01:00: GMT+01:00
GMT+02:00: GMT+02:00
GMT+03:00: GMT+03:00
GMT+04:00: GMT+04:00
GMT+05:00: GMT+05:00
GMT+06:00: GMT+06:00
GMT+07:00: GMT+07:00
GMT+08:00: GMT+08:00
GMT+09:00: GMT+09:00
GMT+10:00: GMT+10:00
GMT+11:00: GMT+11:00
GMT+12:00: GMT+12:00
GMT+13:00: GMT+13:00
GMT+14:00: GMT+14:00
GMT-01:00: GMT-01:00
GMT-02:00: GMT-02:00
GMT-03:00: GMT-03:00
GMT-04:00: GMT-04:00
GMT-05:00: GMT-05:00
GMT-06:00: GMT-06:00
GMT-07:00: GMT-07:00
GMT-08:00: GMT-08:00
GMT-09:00: GMT-09:00
GMT-10:00: GMT-10:00
GMT-11:00: GMT-11:00
GMT-12:00: GMT-12:00
Indian/Chagos: IOST|IOT
Indian/Maldives: MVST|MVT|TFST|TFT
Indian/Mauritius: MUST|MUT
Pacific/Apia: WSDT|WSST|WST
Pacific/Auckland: NZDT|NZST|NZT
Pacific/Bougainville: BST|BT
Pacific/Chatham: CHADT|CHAST|CHAT
Pacific/Easter: EASST|EAST
Pacific/Efate: VUST|VUT
Pacific/Fakaofo: TKST|TKT
Pacific/Fiji: FJST|FJT
Pacific/Galapagos: GALST|GALT
Pacific/Gambier: GAMST|GAMT
Pacific/Guadalcanal: PONST|PONT|SBST|SBT
Pacific/Guam: ChDT|ChST|ChT
Pacific/Honolulu: HADT|HAST|HAT|HDT|HST
Pacific/Kanton: PHOST|PHOT
Pacific/Kiritimati: LINST|LINT
Pacific/Kosrae: KOSST|KOST
Pacific/Marquesas: MARST|MART
Pacific/Nauru: NRST|NRT
Pacific/Niue: NUST|NUT
Pacific/Norfolk: NFST|NFT
Pacific/Noumea: NCST|NCT
Pacific/Pago_Pago: SDT|SST|ST
Pacific/Palau: PWST|PWT
Pacific/Port_Moresby: CHUST|CHUT|DDUST|DDUT|PGST|PGT
Pacific/Rarotonga: CKHST|CKT
Pacific/Tahiti: TAHST|TAHT
Pacific/Tarawa: GILST|GILT|MHST|MHT|TVST|TVT|WAKST|WAKT|WFST|WFT
Pacific/Tongatapu: TOST|TOT
UTC: UTC
`;

/** The zone that a long name means where it is read. */
export const ZONES_OF_LONG_NAMES = `
Africa/Abidjan: British Summer Time|British Time|Ghana Mean Time|Ghana Summer Time|Greenwich Mean Time|Irish Standard Time|Irish Time|Troll Time
Africa/Johannesburg: South Africa Standard Time|South Africa Summer Time|South Africa Time
Africa/Lagos: West Africa Standard Time|West Africa Summer Time|West Africa Time
Africa/Maputo: Central Africa Time|Central African Summer Time|Central African Time|Western African Time
Africa/Nairobi: East Africa Time|Eastern Africa Time|Eastern African Summer Time
America/Argentina/Buenos_Aires: Argentina Standard Time|Argentina Summer Time|Argentina Time
America/Asuncion: Paraguay Standard Time|Paraguay Summer Time|Paraguay Time
America/Bogota: Colombia Standard Time|Colombia Summer Time|Colombia Time
America/Caracas: Venezuela Summer Time|Venezuela Time
America/Cayenne: French Guiana Summer Time|French Guiana Time
America/Chicago: Central Daylight Time|Central Standard Time|Central Time
America/Denver: Mountain Daylight Time|Mountain Standard Time|Mountain Time
America/Guayaquil: Ecuador Summer Time|Ecuador Time
America/Guyana: Guyana Summer Time|Guyana Time
America/Halifax: Atlantic Daylight Time|Atlantic Standard Time|Atlantic Time
America/Havana: Cuba Daylight Time|Cuba Standard Time|Cuba Time
America/Juneau: Alaska Daylight Time|Alaska Standard Time|Alaska Time
America/La_Paz: Bolivia Summer Time|Bolivia Time
America/Lima: Peru Standard Time|Peru Summer Time|Peru Time
America/Los_Angeles: Pacific Daylight Time|Pacific Standard Time|Pacific Time
America/Manaus: Amazon Standard Time|Amazon Summer Time|Amazon Time
America/Mazatlan: Mexican Pacific Daylight Time|Mexican Pacific Standard Time|Mexican Pacific Time
America/Miquelon: St. Pierre & Miquelon Daylight Time|St. Pierre & Miquelon Standard Time|St. Pierre & Miquelon Time
America/Montevideo: Uruguay Standard Time|Uruguay Summer Time|Uruguay Time
America/New_York: Eastern Daylight Time|Eastern Standard Time|Eastern Time
America/Noronha: Fernando de Noronha Standard Time|Fernando de Noronha Summer Time|Fernando de Noronha Time
America/Nuuk: West Greenland Standard Time|West Greenland Summer Time|West Greenland Time
America/Paramaribo: Suriname Summer Time|Suriname Time
America/Punta_Arenas: Punta Arenas Standard Time|Punta Arenas Time
America/Rio_Branco: Acre Standard Time|Acre Summer Time|Acre Time
America/Santiago: Chile Standard Time
America/Sao_Paulo: Brasilia Standard Time|Brasilia Summer Time|Brasilia Time
America/Scoresbysund: East Greenland Standard Time|East Greenland Summer Time|East Greenland Time
America/St_Johns: Newfoundland Daylight Time|Newfoundland Standard Time|Newfoundland Time
America/Tijuana: Northwest Mexico Daylight Time|Northwest Mexico Standard Time|Northwest Mexico Time
Antarctica/Casey: Australian Western Time|Casey Time
Antarctica/Davis: Davis Summer Time|Davis Time
Antarctica/Mawson: Mawson Summer Time|Mawson Time
Antarctica/Palmer: Chile Summer Time|Chile Time
Antarctica/Rothera: Rothera Summer Time|Rothera Time
Antarctica/Vostok: Vostok Summer Time|Vostok Time
Asia/Almaty: Alma-Ata Summer Time|Alma-Ata Time|East Kazakhstan Time|Kostanay Summer Time|Kostanay Time
Asia/Anadyr: Anadyr Standard Time|Anadyr Summer Time|Anadyr Time
Asia/Aqtobe: Aqtau Summer Time|Aqtau Time|Aqtobe Summer Time|Aqtobe Time|Atyrau Daylight Time|Atyrau Time|Oral Summer Time|Oral Time|Qyzylorda Summer Time|Qyzylorda Time|West Kazakhstan Time
Asia/Ashgabat: Turkmenistan Standard Time|Turkmenistan Summer Time|Turkmenistan Time
Asia/Baku: Azerbaijan Standard Time|Azerbaijan Summer Time|Azerbaijan Time
Asia/Bangkok: Christmas Island Summer Time|Christmas Island Time|Indochina Summer Time|Indochina Time
Asia/Barnaul: Barnaul Daylight Time|Barnaul Standard Time|Barnaul Time
Asia/Bishkek: Kirgizstan Summer Time|Kirgizstan Time|Kyrgyzstan Time
Asia/Dhaka: Bangladesh Standard Time|Bangladesh Summer Time|Bangladesh Time
Asia/Dili: East Timor Time|Timor-Leste Summer Time|Timor-Leste Time
Asia/Dubai: Gulf Daylight Time|Gulf Standard Time|Gulf Time|Reunion Summer Time|Reunion Time|Réunion Time|Seychelles Summer Time|Seychelles Time
Asia/Dushanbe: Tajikistan Summer Time|Tajikistan Time
Asia/Hong_Kong: Hong Kong Standard Time|Hong Kong Summer Time|Hong Kong Time
Asia/Hovd: Hovd Standard Time|Hovd Summer Time|Hovd Time
Asia/Irkutsk: Irkutsk Standard Time|Irkutsk Summer Time|Irkutsk Time
Asia/Jakarta: West Indonesia Summer Time|West Indonesia Time|Western Indonesia Time
Asia/Jayapura: East Indonesia Summer Time|East Indonesia Time|Eastern Indonesia Time
Asia/Jerusalem: Israel Daylight Time|Israel Standard Time|Israel Time
Asia/Kabul: Afghanistan Summer Time|Afghanistan Time
Asia/Kamchatka: Petropavlovsk-Kamchatski Standard Time|Petropavlovsk-Kamchatski Summer Time|Petropavlovsk-Kamchatski Time
Asia/Karachi: Pakistan Standard Time|Pakistan Summer Time|Pakistan Time
Asia/Kathmandu: Nepal Summer Time|Nepal Time
Asia/Kolkata: India Daylight Time|India Standard Time|India Time
Asia/Krasnoyarsk: Krasnoyarsk Standard Time|Krasnoyarsk Summer Time|Krasnoyarsk Time
Asia/Kuching: Brunei Darussalam Time|Brunei Summer Time|Brunei Time|Malaysia Summer Time|Malaysia Time
Asia/Magadan: Magadan Standard Time|Magadan Summer Time|Magadan Time
Asia/Makassar: Central Indonesia Summer Time|Central Indonesia Time
Asia/Manila: Philippine Standard Time|Philippine Summer Time|Philippine Time
Asia/Novosibirsk: Novosibirsk Standard Time|Novosibirsk Summer Time|Novosibirsk Time
Asia/Omsk: Omsk Standard Time|Omsk Summer Time|Omsk Time
Asia/Riyadh: Arabian Daylight Time|Arabian Standard Time|Arabian Time|Syowa Summer Time|Syowa Time
Asia/Sakhalin: Sakhalin Standard Time|Sakhalin Summer Time|Sakhalin Time
Asia/Seoul: Korean Daylight Time|Korean Standard Time|Korean Time
Asia/Shanghai: China Daylight Time|China Standard Time|China Time
Asia/Singapore: Singapore Standard Time|Singapore Summer Time|Singapore Time
Asia/Srednekolymsk: Srednekolymsk Daylight Time|Srednekolymsk Time
Asia/Taipei: Taipei Daylight Time|Taipei Standard Time|Taipei Time
Asia/Tashkent: Uzbekistan Standard Time|Uzbekistan Summer Time|Uzbekistan Time
Asia/Tbilisi: Georgia Standard Time|Georgia Summer Time|Georgia Time
Asia/Tehran: Iran Daylight Time|Iran Standard Time|Iran Time
Asia/Thimphu: Bhutan Summer Time|Bhutan Time
Asia/Tokyo: Japan Daylight Time|Japan Standard Time|Japan Time
Asia/Tomsk: Tomsk Daylight Time|Tomsk Standard Time|Tomsk Time
Asia/Ulaanbaatar: Ulaanbaatar Standard Time|Ulaanbaatar Summer Time|Ulaanbaatar Time
Asia/Urumqi: Xinjiang Daylight Time|Xinjiang Standard Time|Xinjiang Time
Asia/Vladivostok: Vladivostok Standard Time|Vladivostok Summer Time|Vladivostok Time
Asia/Yakutsk: Yakutsk Standard Time|Yakutsk Summer Time|Yakutsk Time
Asia/Yangon: Cocos Islands Summer Time|Cocos Islands Time|Myanmar Summer Time|Myanmar Time
Asia/Yekaterinburg: Yekaterinburg Standard Time|Yekaterinburg Summer Time|Yekaterinburg Time
Asia/Yerevan: Armenia Standard Time|Armenia Summer Time|Armenia Time
Atlantic/Azores: Azores Standard Time|Azores Summer Time|Azores Time
Atlantic/Canary: Western European Standard Time|Western European Summer Time|Western European Time
Atlantic/Cape_Verde: Cape Verde Standard Time|Cape Verde Summer Time|Cape Verde Time
Atlantic/South_Georgia: South Georgia Daylight Time|South Georgia Time
Atlantic/Stanley: Falkland Islands Standard Time|Falkland Islands Summer Time|Falkland Islands Time
Australia/Adelaide: Australian Central Daylight Time|Australian Central Standard Time|Central Australia Time
Australia/Eucla: Australian Central Western Daylight Time|Australian Central Western Standard Time|Australian Central Western Time
Australia/Lord_Howe: Lord Howe Daylight Time|Lord Howe Standard Time|Lord Howe Time
Australia/Perth: Australian Western Daylight Time|Australian Western Standard Time|Western Australia Time
Australia/Sydney: Australian Eastern Daylight Time|Australian Eastern Standard Time|Eastern Australia Time
CET: CET
EET: EET
Etc/UTC: Coordinated Universal Time
Europe/Astrakhan: Astrakhan Standard Time|Astrakhan Time
Europe/Bucharest: Eastern European Standard Time|Eastern European Summer Time|Eastern European Time
Europe/Istanbul: Turkey Summer Time|Turkey Time
Europe/Kirov: Moscow Daylight Time
Europe/Moscow: Moscow Standard Time|Moscow Summer Time|Moscow Time
Europe/Paris: Central European Standard Time|Central European Summer Time|Central European Time|Middle Europe Summer Time|Middle Europe Time
Europe/Samara: Samara Standard Time|Samara Summer Time|Samara Time
Europe/Saratov: Saratov Standard Time|Saratov Time
Europe/Ulyanovsk: Ulyanovsk Standard Time|Ulyanovsk Time
Europe/Volgograd: Volgograd Standard Time|Volgograd Summer Time|Volgograd Time
GMT: GMT
GMT+01:00: GMT+01:00
GMT+02:00: GMT+02:00
GMT+03:00: GMT+03:00
GMT+04:00: GMT+04:00
GMT+05:00: GMT+05:00
GMT+06:00: GMT+06:00
GMT+07:00: GMT+07:00
GMT+08:00: GMT+08:00
GMT+09:00: GMT+09:00
GMT+10:00: GMT+10:00
GMT+11:00: GMT+11:00
GMT+12:00: GMT+12:00
GMT+13:00: GMT+13:00
GMT+14:00: GMT+14:00
GMT-01:00: GMT-01:00
GMT-02:00: GMT-02:00
GMT-03:00: GMT-03:00
GMT-04:00: GMT-04:00
GMT-05:00: GMT-05:00
GMT-06:00: GMT-06:00
GMT-07:00: GMT-07:00
GMT-08:00: GMT-08:00
GMT-09:00: GMT-09:00
GMT-10:00: GMT-10:00
GMT-11:00: GMT-11:00
GMT-12:00: GMT-12:00
Indian/Chagos: Indian Ocean Territory Summer Time|Indian Ocean Territory Time|Indian Ocean Time
Indian/Maldives: French Southern & Antarctic Lands Summer Time|French Southern & Antarctic Lands Time|French Southern & Antarctic Time|Maldives Summer Time|Maldives Time
Indian/Mauritius: Mauritius Standard Time|Mauritius Summer Time|Mauritius Time
MET: MET
Pacific/Apia: Apia Daylight Time|Apia Standard Time|Apia Time
Pacific/Auckland: New Zealand Daylight Time|New Zealand Standard Time|New Zealand Time
Pacific/Bougainville: Bougainville Daylight Time|Bougainville Standard Time|Bougainville Time
Pacific/Chatham: Chatham Daylight Time|Chatham Standard Time|Chatham Time
Pacific/Easter: Easter Island Standard Time|Easter Island Summer Time|Easter Island Time
Pacific/Efate: Vanuatu Standard Time|Vanuatu Summer Time|Vanuatu Time
Pacific/Fakaofo: Tokelau Summer Time|Tokelau Time
Pacific/Fiji: Fiji Standard Time|Fiji Summer Time|Fiji Time
Pacific/Galapagos: Galapagos Summer Time|Galapagos Time
Pacific/Gambier: Gambier Summer Time|Gambier Time
Pacific/Guadalcanal: Pohnpei Summer Time|Ponape Time|Solomon Is. Summer Time|Solomon Is. Time|Solomon Islands Time
Pacific/Guam: Chamorro Daylight Time|Chamorro Standard Time|Chamorro Time
Pacific/Honolulu: Hawaii-Aleutian Daylight Time|Hawaii-Aleutian Standard Time|Hawaii-Aleutian Time
Pacific/Kanton: Kanton Daylight Time|Kanton Standard Time|Kanton Time|Phoenix Is. Summer Time|Phoenix Is. Time|Phoenix Islands Time
Pacific/Kiritimati: Line Is. Summer Time|Line Is. Time|Line Islands Time
Pacific/Kosrae: Kosrae Summer Time|Kosrae Time
Pacific/Marquesas: Marquesas Summer Time|Marquesas Time
Pacific/Nauru: Nauru Summer Time|Nauru Time
Pacific/Niue: Niue Summer Time|Niue Time
Pacific/Norfolk: Norfolk Island Daylight Time|Norfolk Island Standard Time|Norfolk Island Time
Pacific/Noumea: New Caledonia Standard Time|New Caledonia Summer Time|New Caledonia Time
Pacific/Pago_Pago: Samoa Daylight Time|Samoa Standard Time|Samoa Time
Pacific/Palau: Palau Summer Time|Palau Time
Pacific/Pitcairn: Pitcairn Daylight Time|Pitcairn Time
Pacific/Port_Moresby: Chuuk Summer Time|Chuuk Time|Dumont-d'Urville Summer Time|Dumont-d'Urville Time|Dumont-d’Urville Time|Papua New Guinea Summer Time|Papua New Guinea Time
Pacific/Rarotonga: Cook Islands Half Summer Time|Cook Islands Standard Time|Cook Islands Time
Pacific/Tahiti: Tahiti Summer Time|Tahiti Time
Pacific/Tarawa: Gilbert Is. Summer Time|Gilbert Is. Time|Gilbert Islands Time|Marshall Islands Summer Time|Marshall Islands Time|Tuvalu Summer Time|Tuvalu Time|Wake Island Time|Wake Summer Time|Wake Time|Wallis & Futuna Summer Time|Wallis & Futuna Time
Pacific/Tongatapu: Tonga Standard Time|Tonga Summer Time|Tonga Time
UTC: UTC
WET: WET
`;
